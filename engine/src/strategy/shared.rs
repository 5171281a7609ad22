//! Computations on one market that strategies share, whatever their settings.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// Columns of one market that no setting changes: one value a type, made by the first strategy that asks for it.
#[derive(Default)]
pub struct Shared {
    values: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl Shared {
    /// The value of this type, made by `make` where nobody has.
    pub fn get_or_init<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        // Made under the lock: the other threads want the same.
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let known = values.get(&TypeId::of::<T>()).map(Arc::clone);
        known.and_then(|value| value.downcast().ok()).unwrap_or_else(|| {
            let made = Arc::new(make());
            values.insert(TypeId::of::<T>(), Arc::clone(&made) as Arc<dyn Any + Send + Sync>);
            made
        })
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_once_and_one_of_another_type_beside_it() {
        let shared = Shared::default();
        let first = shared.get_or_init(|| vec![1.0_f64]);
        assert!(Arc::ptr_eq(&first, &shared.get_or_init(Vec::<f64>::new)));
        assert_eq!(*shared.get_or_init(|| 7_usize), 7);
    }
}
