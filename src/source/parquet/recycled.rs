//! `Recycled`: buffers that what is read next takes over from what was read before, on the same thread.
//!
//! Fresh memory is zeroed, by the system or by whoever may not leave it as it is, only to be overwritten.
//! Limit: a thread keeps [`IDLE_BYTES_MAX`] of idle buffers, which are part of its fixed ones; what is larger
//! comes fresh and goes back at once.

use std::cell::RefCell;

use bytes::Bytes;

/// What a thread keeps: a window and the pages of it.
const IDLE_BYTES_MAX: usize = 4 << 20;

thread_local! {
    static IDLE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer of a certain length; what is in it is anything until it is filled.
#[derive(Debug)]
pub(super) struct Recycled {
    bytes: Vec<u8>,
    length: usize,
}

impl Recycled {
    /// The smallest idle buffer that is long enough, but not four times as long; or a new one.
    pub(super) fn with_length(length: usize) -> Self {
        let idle = IDLE.try_with(|idle| {
            let mut idle = idle.borrow_mut();
            let sizes = idle.iter().map(Vec::len).enumerate();
            let fitting =
                sizes.filter(|(_, size)| (length..=length.saturating_mul(4)).contains(size));
            let smallest = fitting.min_by_key(|(_, size)| *size);
            smallest.map(|(index, _)| idle.swap_remove(index))
        });
        Self {
            bytes: idle.ok().flatten().unwrap_or_else(|| vec![0; length]),
            length,
        }
    }

    /// All of it, to be filled.
    pub(super) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.length]
    }

    /// What was filled; the buffer is idle again once nobody holds any of it.
    pub(super) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Recycled {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Drop for Recycled {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        let keep = |idle: &RefCell<Vec<Vec<u8>>>| {
            let mut idle = idle.borrow_mut();
            let held: usize = idle.iter().map(Vec::len).sum();
            if held + bytes.len() <= IDLE_BYTES_MAX {
                idle.push(bytes);
            }
        };
        // At the end of a thread there is nobody to leave it to.
        IDLE.try_with(keep).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle_bytes() -> usize {
        IDLE.with_borrow(|idle| idle.iter().map(Vec::len).sum())
    }

    #[test]
    fn a_buffer_is_used_again_once_its_bytes_are_gone() {
        let mut first = Recycled::with_length(1000);
        first.as_mut_slice().fill(7);
        let place = first.as_ref().as_ptr();
        let bytes = first.into_bytes();
        let part = bytes.slice(10..20);
        drop(bytes);
        assert_eq!(idle_bytes(), 0, "a part of it is still held");
        assert_eq!(&part[..], [7; 10]);
        drop(part);
        let second = Recycled::with_length(600);
        assert_eq!(
            (second.as_ref().as_ptr(), second.as_ref().len()),
            (place, 600)
        );
    }

    #[test]
    fn idle_buffers_are_bounded_and_hardly_larger_than_what_is_asked_for() {
        drop([1 << 20, 2 << 20, 3 << 20].map(Recycled::with_length));
        assert!(idle_bytes() <= IDLE_BYTES_MAX);
        let small = Recycled::with_length(1000);
        assert!(small.bytes.len() < 4096);
        drop(Recycled::with_length(IDLE_BYTES_MAX + 1));
        assert!(idle_bytes() <= IDLE_BYTES_MAX);
    }
}
