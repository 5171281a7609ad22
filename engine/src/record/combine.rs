//! Combines the recorders of several instruments into one for the whole account.

use super::{EquityCurve, Journal, Recorder, Summary};

/// A recorder of a whole portfolio, which takes over what those of its instruments were told. The marks are its own.
pub trait Combine: Recorder + Default {
    /// Takes over what happened to `each` instrument; `row(i, t)` is the row of the whole that row `t` of instrument `i` is.
    fn combine(&mut self, each: Vec<Self>, row: impl Fn(usize, usize) -> usize);
}

impl Combine for Summary {
    fn combine(&mut self, each: Vec<Self>, _: impl Fn(usize, usize) -> usize) {
        each.iter().for_each(|one| self.add_trades(one));
    }
}

impl Combine for EquityCurve {
    fn combine(&mut self, each: Vec<Self>, _: impl Fn(usize, usize) -> usize) {
        self.fills += each.iter().map(|one| one.fills).sum::<usize>();
    }
}

impl Combine for Journal {
    fn combine(&mut self, each: Vec<Self>, row: impl Fn(usize, usize) -> usize) {
        for (i, one) in each.iter().enumerate() {
            self.charged += one.charged;
            self.funding.extend(&one.funding);
            self.cuts.extend(one.cuts.iter().map(|&(t, limit)| (row(i, t), limit)));
            self.rejections.extend(one.rejections.iter().map(|&(t, rejection)| (row(i, t), rejection)));
            self.fills.extend(one.fills.iter().map(|filled| {
                let mut filled = *filled;
                filled.fill.row = row(i, filled.fill.row);
                filled
            }));
        }
        // In time, and at one time in the order of the instruments.
        self.fills.sort_by_key(|filled| filled.fill.time);
        self.rejections.sort_by_key(|(t, _)| *t);
        self.cuts.sort_by_key(|(t, _)| *t);
        self.each = each;
    }
}
