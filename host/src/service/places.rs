//! Places for work that takes long or holds much: so many in all, and so many of each, so that none takes them all.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Result, ServiceError};

/// The places, and who has how many.
#[derive(Debug)]
pub struct Places<K> {
    all_max: usize,
    each_max: usize,
    taken: Arc<Mutex<HashMap<K, usize>>>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub struct Place<K: Eq + Hash> {
    of: K,
    taken: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Eq + Hash + Clone> Places<K> {
    /// `all_max` places, of which nobody has more than `each_max`.
    #[must_use]
    pub fn new(all_max: usize, each_max: usize) -> Self {
        Self { all_max, each_max, taken: Arc::default() }
    }

    /// A place.
    ///
    /// # Errors
    /// [`ServiceError::Busy`] when `of` has as many as it may, or all are taken.
    pub fn enter(&self, of: &K) -> Result<Place<K>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.get(of).copied().unwrap_or_default();
        if own == self.each_max || taken.values().sum::<usize>() == self.all_max {
            return Err(ServiceError::Busy);
        }
        taken.insert(of.clone(), own + 1);
        Ok(Place { of: of.clone(), taken: Arc::clone(&self.taken) })
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_few_places_at_a_time_and_leaves_room_to_the_others() {
        let places = Places::new(9, 3);
        let mut taken: Vec<_> = (0..3).map(|_| places.enter(&1).unwrap()).collect();

        assert!(matches!(places.enter(&1), Err(ServiceError::Busy)));
        drop(places.enter(&2).unwrap());
        taken.pop();
        taken.push(places.enter(&1).unwrap());
        drop(taken);
        assert!(places.taken.lock().unwrap().is_empty());
    }

    #[test]
    fn one_place_each_is_given_back() {
        let places = Places::new(2, 1);
        let place = places.enter(&1).unwrap();

        assert!(places.enter(&1).is_err());
        assert!(places.enter(&2).is_ok());

        drop(place);
        assert!(places.enter(&1).is_ok());
    }

    #[test]
    fn all_together_have_no_more_places_than_there_are() {
        let places = Places::new(9, 3);

        let taken: Vec<_> = (0..9).map(|number| places.enter(&number).unwrap()).collect();

        assert!(matches!(places.enter(&999), Err(ServiceError::Busy)));
        drop(taken);
        assert!(places.enter(&999).is_ok());
    }
}
