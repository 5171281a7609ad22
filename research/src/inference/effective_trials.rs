use std::collections::BTreeMap;

use kodama::{Method, linkage};
use rayon::prelude::*;

use super::normal;
use crate::metrics::undefined::{check, is_constant};
use crate::metrics::{Undefined, mean};

/// Chance that any pair of unrelated series is taken for related.
const FALSE_ALARM: f64 = 0.05;

/// Distances up to this are rounding: the series are the same up to scale.
const SAME: f64 = 1e-6;

/// How many different trials a set of return series amounts to.
#[derive(Debug, Clone, PartialEq)]
pub struct EffectiveTrials {
    /// Independent trials that stand for them: the sum over clusters of rho + (1 - rho) n, n series with a mean
    /// correlation of rho, rounded up. This is what a deflation takes.
    pub count: usize,
    /// Number of clusters. A deflation that takes it for the number of trials takes a loose cluster for one trial.
    pub clusters: usize,
    /// The cluster of each series, numbered from 0 by first appearance; `None` for a constant series, which has no
    /// Sharpe ratio that could be the best and is not counted.
    pub labels: Vec<Option<usize>>,
    /// Mean silhouette over its standard deviation at the chosen number; `None` where no clustering had one: all series
    /// are alike, or none is related to another.
    pub quality: Option<f64>,
}

/// Number of independent trials among return series of one length, by clustering their correlations.
///
/// Distance sqrt((1 - rho)/2); average linkage; of all numbers of clusters the one with the largest mean silhouette
/// over its standard deviation (the fewest of equals). Three departures from the source, which partitions by k-means and
/// counts clusters. Hierarchical clustering needs no random start. A correlation that is not different from 0 at 5 % over
/// all pairs (Bonferroni, |rho| below Z / sqrt(T)) counts as 0, because noise otherwise forms clusters. And a cluster
/// counts for as many trials as its mean correlation implies, because 200 series with a correlation of 0.1 form two
/// clusters, and the best of them is nothing like the best of two.
///
/// With n series of T returns: time n^2 T + n^3 / 2, memory n^2 numbers. The caller caps n; 2,000 take seconds.
///
/// Sources: M. Lopez de Prado and M. Lewis, "Detection of False Investment Strategies Using Unsupervised Learning
/// Methods", Quantitative Finance 19(9), 2019; D. Bailey and M. Lopez de Prado, "The Deflated Sharpe Ratio", Journal of
/// Portfolio Management 40(5), 2014, appendix (independent trials implied by a mean correlation); P. Rousseeuw, "Silhouettes", J. of Computational and Applied Mathematics
/// 20, 1987 (a series alone in its cluster has silhouette 0).
///
/// # Errors
/// [`Undefined::TooFew`] for no series, or fewer than three returns; [`Undefined::LengthsDiffer`];
/// [`Undefined::NotFinite`].
pub fn effective_trials(series: &[Vec<f64>]) -> Result<EffectiveTrials, Undefined> {
    let first = series.first().ok_or(Undefined::TooFew { found: 0, needed: 1 })?;
    let mut members = Vec::new();
    let mut unit = Vec::new();
    for (index, values) in series.iter().enumerate() {
        check(values, 3)?;
        if values.len() != first.len() {
            return Err(Undefined::LengthsDiffer { left: first.len(), right: values.len() });
        }
        if let Some(normed) = normed(values)? {
            members.push(index);
            unit.push(normed);
        }
    }
    let (found, quality, count) = match unit.len() {
        0 => (Vec::new(), None, 0),
        1 => (vec![0], None, 1),
        _ => {
            let distances = Distances::of(&unit, first.len())?;
            let (found, quality) = clusters(&distances);
            let count = implied(&distances, &found);
            (found, quality, count)
        }
    };
    let mut labels = vec![None; series.len()];
    let mut names: Vec<usize> = Vec::new();
    for (&index, &cluster) in members.iter().zip(&found) {
        let name = names.iter().position(|&known| known == cluster).unwrap_or_else(|| {
            names.push(cluster);
            names.len() - 1
        });
        labels[index] = Some(name);
    }
    Ok(EffectiveTrials { count, clusters: names.len(), labels, quality })
}

/// Deviations from the mean, scaled to a length of 1, so that a correlation is a dot product.
fn normed(values: &[f64]) -> Result<Option<Vec<f64>>, Undefined> {
    if is_constant(values) {
        return Ok(None);
    }
    let centre = mean(values)?;
    let length = values.iter().map(|value| (value - centre).powi(2)).sum::<f64>().sqrt();
    Ok((length > 0.0).then(|| values.iter().map(|value| (value - centre) / length).collect()))
}

/// The upper triangle of the distance matrix, row by row.
struct Distances {
    n: usize,
    condensed: Vec<f64>,
}

impl Distances {
    fn of(unit: &[Vec<f64>], observations: usize) -> Result<Self, Undefined> {
        let n = unit.len();
        let pairs = (n * (n - 1) / 2) as f64;
        let insignificant = normal::quantile(1.0 - FALSE_ALARM / 2.0 / pairs)? / (observations as f64).sqrt();
        let rows: Vec<Vec<f64>> = (0..n)
            .into_par_iter()
            .map(|one| {
                let distance = |other: &Vec<f64>| {
                    let rho: f64 = unit[one].iter().zip(other).map(|(a, b)| a * b).sum();
                    let rho = if rho.abs() < insignificant { 0.0 } else { rho.clamp(-1.0, 1.0) };
                    ((1.0 - rho) / 2.0).sqrt()
                };
                unit[one + 1..].iter().map(distance).collect()
            })
            .collect();
        Ok(Self { n, condensed: rows.concat() })
    }

    fn get(&self, one: usize, other: usize) -> f64 {
        let (low, high) = (one.min(other), one.max(other));
        if low == high { 0.0 } else { self.condensed[low * (2 * self.n - low - 1) / 2 + high - low - 1] }
    }
}

/// The cluster of each series at the best number of clusters, and its quality.
fn clusters(distances: &Distances) -> (Vec<usize>, Option<f64>) {
    let n = distances.n;
    if distances.condensed.iter().all(|&distance| distance <= SAME) {
        return (vec![0; n], None);
    }
    let tree = linkage(&mut distances.condensed.clone(), n, Method::Average);
    // Cluster of each series, and the sum of distances of each series to each cluster; merged as the tree says.
    let mut label: Vec<usize> = (0..n).collect();
    let mut size: Vec<usize> = vec![1; n];
    let mut towards: Vec<Vec<f64>> =
        (0..n).map(|cluster| (0..n).map(|item| distances.get(item, cluster)).collect()).collect();
    // The tree numbers the cluster of merge i as n + i.
    let mut slot: Vec<usize> = (0..n).collect();
    let mut best: (Vec<usize>, Option<f64>) = (label.clone(), None);
    for step in tree.steps().iter().take(n - 2) {
        let (keep, gone) = (slot[step.cluster1], slot[step.cluster2]);
        slot.push(keep);
        label.iter_mut().filter(|cluster| **cluster == gone).for_each(|cluster| *cluster = keep);
        size[keep] += size[gone];
        size[gone] = 0;
        let moved = std::mem::take(&mut towards[gone]);
        towards[keep].iter_mut().zip(&moved).for_each(|(total, term)| *total += term);
        if let Some(quality) = quality(&label, &size, &towards)
            && best.1.is_none_or(|so_far| quality >= so_far)
        {
            best = (label.clone(), Some(quality));
        }
    }
    best
}

/// The sum over clusters of rho + (1 - rho) n, rounded up; a mean correlation below 0 counts as 0.
fn implied(distances: &Distances, label: &[usize]) -> usize {
    let mut of_cluster: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (item, &cluster) in label.iter().enumerate() {
        of_cluster.entry(cluster).or_default().push(item);
    }
    let independent = of_cluster.values().map(|items| {
        let n = items.len() as f64;
        let pairs = items.iter().enumerate().flat_map(|(at, &one)| items[..at].iter().map(move |&other| (one, other)));
        let sum: f64 = pairs.map(|(one, other)| 1.0 - 2.0 * distances.get(one, other).powi(2)).sum();
        let rho = if items.len() == 1 { 1.0 } else { (sum / (n * (n - 1.0) / 2.0)).clamp(0.0, 1.0) };
        rho + (1.0 - rho) * n
    });
    // Equal series leave a rounding error, which is no further trial.
    (independent.sum::<f64>() - 1e-6).ceil() as usize
}

/// Mean silhouette over its standard deviation, where the mean is above 0.
fn quality(label: &[usize], size: &[usize], towards: &[Vec<f64>]) -> Option<f64> {
    let live: Vec<usize> = (0..size.len()).filter(|&cluster| size[cluster] > 0).collect();
    let silhouette = |item: usize| {
        let own = label[item];
        if size[own] == 1 {
            return 0.0;
        }
        let inside = towards[own][item] / (size[own] - 1) as f64;
        let outside = live
            .iter()
            .filter(|&&cluster| cluster != own)
            .map(|&cluster| towards[cluster][item] / size[cluster] as f64)
            .fold(f64::INFINITY, f64::min);
        let larger = inside.max(outside);
        if larger <= SAME { 0.0 } else { (outside - inside) / larger }
    };
    let n = label.len() as f64;
    let silhouettes: Vec<f64> = (0..label.len()).map(silhouette).collect();
    let mean = silhouettes.iter().sum::<f64>() / n;
    let deviation = (silhouettes.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
    // Equal distances leave rounding noise; and equal silhouettes would divide by it.
    (mean > 1e-9).then(|| mean / deviation.max(1e-9))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::expected_maximum_z;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn noise(n: usize, seed: u64) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..n).map(|_| normal::quantile(rng.random_range(1e-12..1.0)).unwrap()).collect()
    }

    fn mixed(factor: &[f64], own: u64) -> Vec<f64> {
        factor.iter().zip(noise(factor.len(), own)).map(|(common, own)| common + 0.5 * own).collect()
    }

    #[test]
    fn planted_groups_are_found_with_their_members() {
        let factors: Vec<Vec<f64>> = (0..4).map(|seed| noise(300, seed)).collect();
        let series: Vec<Vec<f64>> = (0..24).map(|item| mixed(&factors[item % 4], 100 + item as u64)).collect();
        let found = effective_trials(&series).unwrap();
        assert_eq!(found.clusters, 4, "{found:?}");
        // Six series with a correlation of 1 / 1.25 are 0.8 + 0.2 * 6 = 2 trials, four times.
        assert!((7..=9).contains(&found.count), "{found:?}");
        assert_eq!(found.labels, (0..24).map(|item| Some(item % 4)).collect::<Vec<_>>());
    }

    #[test]
    fn unrelated_series_are_a_trial_each() {
        for seed in 0..20 {
            let series: Vec<Vec<f64>> = (0..30).map(|item| noise(250, 1_000 * seed + item)).collect();
            let found = effective_trials(&series).unwrap();
            // One false alarm in twenty is the level of the test.
            assert!(found.count >= 29, "{} of 30", found.count);
        }
    }

    #[test]
    fn the_count_is_never_below_what_the_best_of_correlated_trials_implies() {
        // The largest of n equally correlated normal values is sqrt(1 - rho) times that of n independent ones.
        for rho in [0.1_f64, 0.3, 0.5, 0.9, 0.98] {
            let factor = noise(1_000, 1);
            let one = |own: u64| {
                let own = noise(1_000, own);
                factor.iter().zip(own).map(|(common, own)| rho.sqrt() * common + (1.0 - rho).sqrt() * own).collect()
            };
            let series: Vec<Vec<f64>> = (100..140).map(one).collect();
            let found = effective_trials(&series).unwrap();
            let best = (1.0 - rho).sqrt() * expected_maximum_z(40).unwrap();
            assert!(expected_maximum_z(found.count as u64).unwrap() >= best, "{rho}: {} trials", found.count);
            assert!(found.count <= 40);
        }
    }

    #[test]
    fn identical_series_are_one_trial_whatever_their_scale() {
        let one = noise(50, 1);
        let twice: Vec<f64> = one.iter().map(|value| 2.0 * value + 0.1).collect();
        let found = effective_trials(&[one.clone(), twice, one]).unwrap();
        assert_eq!((found.count, found.labels, found.quality), (1, vec![Some(0); 3], None));
    }

    #[test]
    fn identical_pairs_are_as_many_trials_as_pairs() {
        let series: Vec<Vec<f64>> = (0..10).map(|item| noise(200, item / 2)).collect();
        let found = effective_trials(&series).unwrap();
        assert_eq!((found.clusters, found.count), (5, 5));
    }

    #[test]
    fn opposite_series_are_two_trials() {
        let one = noise(50, 1);
        let opposite: Vec<f64> = one.iter().map(|value| -value).collect();
        assert_eq!(effective_trials(&[one, opposite]).unwrap().count, 2);
    }

    #[test]
    fn a_constant_series_is_no_trial() {
        let found = effective_trials(&[vec![0.0; 50], noise(50, 1), vec![0.1; 50]]).unwrap();
        assert_eq!((found.count, found.labels), (1, vec![None, Some(0), None]));
        assert_eq!(effective_trials(&[vec![0.0; 50]]).unwrap().count, 0);
    }

    #[test]
    fn one_series_is_one_trial_and_none_is_an_error() {
        assert_eq!(effective_trials(&[noise(50, 1)]).unwrap().count, 1);
        assert_eq!(effective_trials(&[]), Err(Undefined::TooFew { found: 0, needed: 1 }));
        let uneven = effective_trials(&[noise(50, 1), noise(40, 2)]);
        assert_eq!(uneven, Err(Undefined::LengthsDiffer { left: 50, right: 40 }));
    }
}
