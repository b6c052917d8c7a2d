//! Runs one job on many hosts at once, a bounded number at a time. Knows nothing of what the job does.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::thread;

/// Runs `job` on every item, at most `width` at a time, and returns the results in the items' order.
///
/// Blocking SSH lives in these threads; a job that panics takes the caller down with it, as it would inline.
pub fn fan_out<T, R, F>(items: Vec<T>, width: NonZeroUsize, job: F) -> Vec<R>
where
    T: Send,
    R: Send,
    F: Fn(T) -> R + Sync,
{
    let workers = width.get().min(items.len());
    let queue = Mutex::new(items.into_iter().enumerate());
    let mut done: Vec<(usize, R)> = thread::scope(|scope| {
        let handles: Vec<_> = (0..workers).map(|_| scope.spawn(|| drain(&queue, &job))).collect();
        handles
            .into_iter()
            .flat_map(|handle| match handle.join() {
                Ok(results) => results,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

fn drain<T, R>(queue: &Mutex<impl Iterator<Item = (usize, T)>>, job: &impl Fn(T) -> R) -> Vec<(usize, R)> {
    let mut results = Vec::new();
    loop {
        // The lock is released before the job runs; nothing below can panic while it is held.
        let next = match queue.lock() {
            Ok(mut queue) => queue.next(),
            Err(_) => None,
        };
        let Some((index, item)) = next else { return results };
        results.push((index, job(item)));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items_and_never_too_many_run() {
        let running = AtomicUsize::new(0);
        let most = AtomicUsize::new(0);
        let results = fan_out((0..20).collect(), NonZeroUsize::new(3).unwrap(), |n: u64| {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis((20 - n) % 5));
            running.fetch_sub(1, Ordering::SeqCst);
            n * 2
        });
        assert_eq!(results, (0..20).map(|n| n * 2).collect::<Vec<_>>());
        assert!(most.load(Ordering::SeqCst) <= 3);
    }

    #[test]
    fn no_items_are_no_threads() {
        let results: Vec<u8> = fan_out(Vec::<u8>::new(), NonZeroUsize::MIN, |n| n);
        assert!(results.is_empty());
    }
}
