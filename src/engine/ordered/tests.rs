//! Order, errors and what is left to the workers, whatever the number of threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

fn run(threads: usize, count: usize, fails: &[usize]) -> Result<Vec<usize>> {
    let cancel = Cancel::default();
    Ordered {
        threads,
        count,
        cancel: &cancel,
    }
    .collect(|index| {
        if fails.contains(&index) {
            return Err(InputError::NoFiles {
                searched: index as u64,
            }
            .into());
        }
        if index % 7 == 0 {
            thread::sleep(std::time::Duration::from_micros(300));
        }
        Ok(index * index)
    })
}

#[test]
fn results_come_in_order_whatever_the_threads() {
    let expected: Vec<usize> = (0..100).map(|index| index * index).collect();
    for threads in [1, 2, 3, 8, 200] {
        assert_eq!(run(threads, 100, &[]).unwrap(), expected);
    }
    assert!(run(4, 0, &[]).unwrap().is_empty());
}

#[test]
fn the_first_error_in_order_is_returned() {
    for threads in [1, 2, 8] {
        let error = run(threads, 100, &[90, 63, 21]).unwrap_err();
        assert_eq!(error.to_string(), "no input files found among 21 entries");
    }
}

#[test]
fn a_panic_is_an_error() {
    let cancel = Cancel::default();
    for threads in [1, 4] {
        let error = Ordered {
            threads,
            count: 9,
            cancel: &cancel,
        }
        .collect(|index| {
            assert!(index != 5, "five");
            Ok(index)
        })
        .unwrap_err();
        assert_eq!(error.to_string(), "cannot decode the data: five");
    }
}

#[test]
fn a_failing_consumer_stops_the_workers() {
    let cancel = Cancel::default();
    let ordered = Ordered {
        threads: 4,
        count: 10_000,
        cancel: &cancel,
    };
    let error = ordered.run(Ok, |index, _| match index {
        3 => Err(InputError::NoFiles { searched: 3 }.into()),
        _ => Ok(()),
    });
    assert_eq!(error.unwrap_err().exit_code(), 3);
}

fn leaving(threads: usize, fails: Option<usize>) -> Result<usize> {
    let cancel = Cancel::default();
    let done = Arc::new(AtomicUsize::new(0));
    let ordered = Ordered {
        threads,
        count: 300,
        cancel: &cancel,
    };
    ordered.feed(Ok, |feed| {
        (0..300).try_for_each(|_| {
            let (index, done) = (feed.take()?, Arc::clone(&done));
            feed.later(move || {
                done.fetch_add(1, Ordering::Relaxed);
                match Some(index) == fails {
                    true => Err(InputError::NoFiles { searched: 7 }.into()),
                    false => Ok(()),
                }
            })
        })
    })?;
    Ok(done.load(Ordering::Relaxed))
}

#[test]
fn what_is_left_to_the_workers_is_done_at_the_end() {
    for threads in [1, 2, 8] {
        assert_eq!(leaving(threads, None).unwrap(), 300, "{threads} threads");
    }
}

#[test]
fn an_error_of_what_is_left_to_the_workers_is_that_of_the_run() {
    for threads in [1, 2, 8] {
        for fails in [0, 150, 299] {
            let error = leaving(threads, Some(fails)).unwrap_err();
            assert_eq!(error.to_string(), "no input files found among 7 entries");
        }
    }
}

#[test]
fn a_request_to_stop_ends_the_run() {
    let cancel = Cancel::default();
    cancel
        .cell()
        .store(15, std::sync::atomic::Ordering::Relaxed);
    let error = Ordered {
        threads: 2,
        count: 5,
        cancel: &cancel,
    }
    .collect(Ok)
    .unwrap_err();
    assert_eq!(error.exit_code(), 143);
}
