use maud::{Markup, html};

use super::format::DASH;

/// Collects why the cells of one table are empty. Each reason is written once, below the table.
#[derive(Default)]
pub(super) struct Notes {
    reasons: Vec<String>,
}

impl Notes {
    /// A dash that points to its reason.
    pub(super) fn dash(&mut self, reason: impl Into<String>) -> Markup {
        let reason = reason.into();
        let at = self.reasons.iter().position(|known| *known == reason).unwrap_or_else(|| {
            self.reasons.push(reason.clone());
            self.reasons.len() - 1
        });
        html! { span title=(reason) { (DASH) sup { (at + 1) } } }
    }

    /// The value as `show` writes it, or a dash with the reason.
    pub(super) fn or_dash<T>(
        &mut self,
        value: Option<T>,
        show: impl FnOnce(T) -> String,
        reason: impl FnOnce() -> String,
    ) -> Markup {
        match value {
            Some(value) => html! { (show(value)) },
            None => self.dash(reason()),
        }
    }

    /// The reasons, in the order of their first dash.
    pub(super) fn list(&self) -> Markup {
        html! {
            @if !self.reasons.is_empty() {
                ol.notes { @for reason in &self.reasons { li { (reason) } } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_reason_has_one_number() {
        let mut notes = Notes::default();
        assert!(notes.dash("no variance").into_string().contains("<sup>1</sup>"));
        assert!(notes.dash("not stated").into_string().contains("<sup>2</sup>"));
        assert!(notes.dash("no variance").into_string().contains("<sup>1</sup>"));
        assert_eq!(notes.list().into_string().matches("<li>").count(), 2);
    }
}
