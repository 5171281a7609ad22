//! What a search starts from, where it does not start from strangers alone.

use std::collections::HashMap;

use q50_language::genome::Genome;

use super::{Discovery, DiscoveryError};

/// A strategy that a search starts from.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// Where it was read.
    pub file: String,
    /// The genome.
    pub genome: Genome,
}

impl Discovery<'_> {
    /// The same discovery, each search of which begins with `start` and fills its first generation with strangers. The
    /// searches of the walk-forward guard begin with strangers alone, because whoever wrote a file may have seen what
    /// follows a window.
    ///
    /// # Errors
    /// These are more than half of a population, the same strategy twice, or none that the search could have bred.
    pub fn starting_from(mut self, start: Vec<Start>) -> Result<Self, DiscoveryError> {
        let most = self.settings.evolution.population / 2;
        if start.len() > most {
            return Err(DiscoveryError::Refused(format!(
                "--start names {} files, expected at most {most}, half of --population {}",
                start.len(),
                self.settings.evolution.population
            )));
        }
        let mut known: HashMap<String, String> = HashMap::new();
        for one in start {
            if let Some(problem) = self.breed.refusal(&one.genome) {
                return Err(DiscoveryError::Refused(format!("--start {}: {problem}", one.file)));
            }
            if let Some(other) = known.insert(one.genome.program()?.canonical(), one.file.clone()) {
                return Err(DiscoveryError::Refused(format!("--start {}: the same strategy as {other}", one.file)));
            }
            // A name bears on no trade; what is bred has one for all.
            let genome = Genome { name: "candidate".to_owned(), ..one.genome };
            self.start.push(Start { file: one.file, genome });
        }
        Ok(self)
    }

    /// What the searches start from.
    #[must_use]
    pub fn start(&self) -> &[Start] {
        &self.start
    }
}
