//! Where nobody tells which pages were written to: every call has a new instance.

use std::ops::Range;

pub(super) fn page_size() -> usize {
    usize::MAX
}

pub(super) fn own(_: &[u8]) -> Option<Vec<Range<u32>>> {
    None
}
