//! Who gets how much of a budget, and who waits for whom.

use super::*;

const MIB: u64 = 1 << 20;

fn shared(budget: u64, threads: usize) -> Memory {
    let memory = Memory::new(resident_memory_bytes() + budget, threads);
    memory.share_out(0, 0);
    memory
}

#[test]
fn a_small_budget_has_room_for_one_worker() {
    assert_eq!(shared(30 * MIB, 8).workers(), 1);
    assert_eq!(shared(4096 * MIB, 8).workers(), 8);
    assert_eq!(shared(0, 8).workers(), 1);
}

#[test]
fn what_does_not_fit_is_refused_with_the_budget_that_would_do() {
    for is_group in [false, true] {
        let memory = shared(100 * MIB, 1);
        let memory = if is_group { memory.group() } else { memory };
        drop(memory.pages(MIB, String::new).unwrap());
        drop(memory.pages(20 * MIB, String::new).unwrap());
        let error = memory.pages(200 * MIB, || "a page".into()).unwrap_err();
        assert_eq!(error.exit_code(), 6);
        let ErrorKind::Budget { needed, .. } = error.kind() else {
            panic!("{error}");
        };
        let memory = Memory::new(*needed + MIB, 1);
        memory.share_out(0, 0);
        assert!(memory.pages(200 * MIB, String::new).is_ok());
    }
}

#[test]
fn permits_come_back() {
    let memory = shared(100 * MIB, 1);
    let first = memory.take(20 * MIB).unwrap();
    assert!(memory.take(20 * MIB).is_none());
    drop(first);
    assert!(memory.take(20 * MIB).is_some());
}

/// Whether a second thread has to wait for `second` while the first holds `first`.
fn waits(first: (&Memory, u64), second: (&Memory, u64)) -> bool {
    let held = first.0.pages(first.1, String::new).unwrap();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| second.0.pages(second.1, String::new).map(drop).unwrap());
        std::thread::sleep(std::time::Duration::from_millis(20));
        let waits = !other.is_finished();
        drop(held);
        other.join().unwrap();
        waits
    })
}

#[test]
fn workers_hold_large_pages_together_as_far_as_there_is_room() {
    let memory = shared(200 * MIB, 2);
    let room = memory.page_bytes_max();
    assert!(!waits((&memory, room), (&memory, MIB)));
    assert!(!waits((&memory, room / 2), (&memory, room / 2)));
    assert!(waits((&memory, room), (&memory, room / 2)));
}

#[test]
fn the_readers_of_a_group_count_together_and_never_wait_for_each_other() {
    let memory = shared(200 * MIB, 2);
    let (one, other) = (memory.group(), memory.group());
    let room = one.page_bytes_max();
    assert!(!waits((&one, room / 2), (&one, room / 2)));
    assert!(!waits((&one, 5 * MIB), (&other, 5 * MIB)));
    assert!(waits((&one, 10 * MIB), (&other, 10 * MIB)));
    let held = one.pages(room / 2, String::new).unwrap();
    assert!(one.pages(room, String::new).is_err());
    drop(held);
    assert!(one.pages(room, String::new).is_ok());
}
