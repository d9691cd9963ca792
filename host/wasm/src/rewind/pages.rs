//! Which pages of this process were written to, as Linux tells.

use std::{
    fs::File,
    ops::Range,
    os::unix::fs::FileExt,
    sync::{LazyLock, Mutex, PoisonError},
};

/// Bytes for each page in `/proc/self/pagemap`.
const ENTRY: usize = 8;

/// "Page is file-page or shared-anon" and "page swapped", "page present" of the kernel's `pagemap.rst`.
const OF_A_FILE: u64 = 1 << 61;
const SWAPPED: u64 = 1 << 62;
const PRESENT: u64 = 1 << 63;

/// Bytes of a page.
pub(super) fn page_size() -> usize {
    rustix::param::page_size()
}

/// The pages of `memory` that are this process's own: all that were written to since they were mapped, as runs of page
/// numbers that begin with 0 at its start. Others are still those of the file that they came from, or nowhere yet.
/// `None` where nobody tells.
pub(super) fn own(memory: &[u8]) -> Option<Vec<Range<u32>>> {
    static PAGEMAP: LazyLock<Option<File>> = LazyLock::new(|| File::open("/proc/self/pagemap").ok());
    // Some hundred KB for large guests, which are not asked for again and again.
    static BUFFERS: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

    let (start, size) = (memory.as_ptr().addr(), page_size());
    if !start.is_multiple_of(size) || !memory.len().is_multiple_of(size) {
        return None;
    }
    let mut entries = BUFFERS.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
    entries.resize(memory.len() / size * ENTRY, 0);
    let place = u64::try_from(start / size * ENTRY).ok()?;
    let read = PAGEMAP.as_ref()?.read_exact_at(&mut entries, place);
    let runs = read.is_ok().then(|| runs(&entries));
    BUFFERS.lock().unwrap_or_else(PoisonError::into_inner).push(entries);
    runs
}

fn runs(entries: &[u8]) -> Vec<Range<u32>> {
    let mut runs: Vec<Range<u32>> = Vec::new();
    for (page, entry) in (0..).zip(entries.as_chunks::<ENTRY>().0) {
        let entry = u64::from_ne_bytes(*entry);
        let is_own = entry & SWAPPED != 0 || entry & (PRESENT | OF_A_FILE) == PRESENT;
        match runs.last_mut() {
            _ if !is_own => {}
            Some(last) if last.end == page => last.end += 1,
            _ => runs.push(page..page + 1),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_to_is_told_in_runs() {
        let entries = [PRESENT, PRESENT | OF_A_FILE, 0, PRESENT, SWAPPED, OF_A_FILE];
        let bytes: Vec<u8> = entries.iter().flat_map(|entry| entry.to_ne_bytes()).collect();
        assert_eq!(runs(&bytes), [0..1, 3..5]);
    }

    #[test]
    fn a_page_that_was_written_to_is_known() {
        let size = page_size();
        let mut memory = vec![0_u8; 5 * size];
        let first = memory.as_ptr().align_offset(size);
        memory[first + 2 * size] = 1;
        let pages = own(&memory[first..first + 4 * size]).expect("Linux tells");
        assert!(pages.iter().any(|run| run.contains(&2)), "{pages:?}");
    }
}
