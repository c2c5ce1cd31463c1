//! The beginning of a list that lies in a table, in memory.
//!
//! What a loop asks for again and again is nearly always at the beginning of what waits. So the first rows are here, and
//! what the writer commits changes them here as well. Where there are too many, the last of them are left to the table, and
//! read when the others are done.
//!
//! A read takes a while, and what it is based on may be out of date when it ends. So changes are noted from its beginning
//! on, and made again in what was read.

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;

use foldhash::HashMap;

/// Changes that are noted during a read before it is given up. Only a read that nobody waits for any more meets so many.
const NOTED_MAX: usize = 1 << 16;

/// A row of a list.
pub(super) trait Listed: Clone {
    /// Where it stands. No two rows are at the same place.
    type Place: Copy + Ord;

    /// Which row it is, wherever it stands.
    fn seq(&self) -> i64;

    fn place(&self) -> Self::Place;
}

/// The first rows of a list, and from where on the others are.
#[derive(Debug)]
pub(super) struct Beginning<R: Listed> {
    rows: BTreeMap<R::Place, R>,
    /// Where each of them stands, by `seq`.
    places: HashMap<i64, R::Place>,
    /// No row that is not here stands before this place; `None` if all are here.
    rest: Option<R::Place>,
    reading: Option<Reading<R>>,
}

/// A read under way.
#[derive(Debug)]
struct Reading<R: Listed> {
    from: R::Place,
    /// The rows that have changed since, each with what it is now, if it is still in the list.
    changed: Vec<(i64, Option<R>)>,
}

impl<R: Listed> Beginning<R> {
    /// A list of which no row stands before `rest`; an empty one without.
    pub(super) fn new(rest: Option<R::Place>) -> Self {
        Self { rows: BTreeMap::new(), places: HashMap::default(), rest, reading: None }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &R> {
        self.rows.values()
    }

    /// The rows behind a place; all of them without.
    pub(super) fn rows_behind(&self, place: Option<R::Place>) -> impl Iterator<Item = &R> {
        let from = place.map_or(Bound::Unbounded, Bound::Excluded);
        self.rows.range((from, Bound::Unbounded)).map(|(_, row)| row)
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// From where on rows are in the table alone.
    pub(super) fn rest(&self) -> Option<R::Place> {
        self.rest
    }

    /// Where the first row stands, or would stand at the earliest.
    pub(super) fn first(&self) -> Option<R::Place> {
        self.rows.keys().next().copied().or(self.rest)
    }

    /// Whether there is nothing in it, in the table neither.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.rest.is_none()
    }

    /// Takes what a row is now: `None` if it is in the list no more. Keeps `rows_max` rows.
    pub(super) fn change(&mut self, seq: i64, row: Option<R>, rows_max: usize) {
        if let Some(reading) = &mut self.reading {
            reading.changed.push((seq, row.clone()));
            if reading.changed.len() > NOTED_MAX {
                self.reading = None;
            }
        }
        self.make(seq, row, rows_max);
    }

    fn make(&mut self, seq: i64, row: Option<R>, rows_max: usize) {
        if let Some(place) = self.places.remove(&seq) {
            self.rows.remove(&place);
        }
        let Some(row) = row else { return };
        let place = row.place();
        if self.rest.is_some_and(|rest| place >= rest) {
            return;
        }
        self.keep(row);
        if self.rows.len() > rows_max
            && let Some((place, last)) = self.rows.pop_last()
        {
            self.places.remove(&last.seq());
            self.rest = Some(place);
        }
    }

    fn keep(&mut self, row: R) {
        self.places.insert(row.seq(), row.place());
        self.rows.insert(row.place(), row);
    }

    /// Says that rows from there on are about to be read from the table. Before that, not after.
    pub(super) fn begin_reading(&mut self, from: R::Place) {
        self.reading = Some(Reading { from, changed: Vec::new() });
    }

    /// Takes `rows_max` of the rows that were read, in their order; what is read beyond them tells where the others begin.
    pub(super) fn end_reading(&mut self, mut read: Vec<R>, rows_max: usize) {
        let Some(reading) = self.reading.take() else { return };
        // Some before these were left to the table meanwhile.
        if self.rest != Some(reading.from) {
            return;
        }
        self.rest = read.get(rows_max).map(Listed::place);
        read.truncate(rows_max);
        let changed: HashSet<i64> = reading.changed.iter().map(|(seq, _)| *seq).collect();
        read.into_iter().filter(|row| !changed.contains(&row.seq())).for_each(|row| self.keep(row));
        let rows_max = self.rows.len();
        for (seq, row) in reading.changed {
            self.make(seq, row, rows_max);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Row(i64, i64);

    impl Listed for Row {
        type Place = (i64, i64);

        fn seq(&self) -> i64 {
            self.0
        }

        fn place(&self) -> (i64, i64) {
            (self.1, self.0)
        }
    }

    /// Something that happens to a table and its list.
    #[derive(Clone, Debug)]
    enum Step {
        /// A row is committed, at a place or no more.
        Commit(i64, Option<i64>),
        /// A read begins, which sees what is committed then.
        Begin,
        /// It ends with so many rows.
        End(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            6 => (0_i64..12, prop::option::weighted(0.7, 0_i64..9)).prop_map(|(seq, at)| Step::Commit(seq, at)),
            1 => Just(Step::Begin),
            1 => (1_usize..4).prop_map(Step::End),
        ];
        prop::collection::vec(step, 0..80)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_rows_are_those_of_the_table_up_to_the_rest(steps in steps(), rows_max in 1_usize..5) {
            let (mut list, mut table) = (Beginning::new(None), BTreeMap::new());
            let mut snapshot = None;
            for step in steps {
                match step {
                    Step::Commit(seq, at) => {
                        match at {
                            Some(at) => drop(table.insert(seq, at)),
                            None => drop(table.remove(&seq)),
                        }
                        list.change(seq, at.map(|at| Row(seq, at)), rows_max);
                    }
                    Step::Begin => {
                        if let Some(from) = list.rest() {
                            list.begin_reading(from);
                            snapshot = Some((from, sorted(&table)));
                        }
                    }
                    Step::End(most) => {
                        if let Some((from, rows)) = snapshot.take() {
                            let read = rows.into_iter().filter(|row| row.place() >= from).take(most + 1);
                            list.end_reading(read.collect(), most);
                        }
                    }
                }
                let rest = list.rest();
                let expected: Vec<_> =
                    sorted(&table).into_iter().filter(|row| rest.is_none_or(|rest| row.place() < rest)).collect();
                prop_assert_eq!(list.rows().cloned().collect::<Vec<_>>(), expected);
            }
        }
    }

    fn sorted(table: &BTreeMap<i64, i64>) -> Vec<Row> {
        let mut rows: Vec<_> = table.iter().map(|(seq, at)| Row(*seq, *at)).collect();
        rows.sort_by_key(Listed::place);
        rows
    }

    #[test]
    fn a_read_that_nobody_ends_is_given_up() {
        let mut list = Beginning::new(Some((0, 0)));
        list.begin_reading((0, 0));

        for seq in 0..=NOTED_MAX {
            list.change(i64::try_from(seq).unwrap(), None, 3);
        }
        list.end_reading(vec![Row(1, 1)], 1);

        assert_eq!((list.len(), list.rest()), (0, Some((0, 0))));
    }
}
