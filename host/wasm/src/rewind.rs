//! Instances that are set back after a call, so that the next one finds what a new instance is without one being made.
//!
//! To make an instance costs less than what comes with it: every page that it reads or writes has to be fetched anew, and
//! given back afterwards. Where the interpreter of a language is the guest these are hundreds. So an instance whose call
//! went well is kept, and all that the call could have changed is what it was:
//!
//! * the pages of its memory that were written to, since they were mapped: the kernel knows them, whoever wrote. What was
//!   in them first is read from an instance that was never called;
//! * its globals, by code that was added to it ([`merge`](crate::merge)), which is there only where nothing else can change;
//! * what the host has for it: its side of the store is made anew for each call ([`crate::guest`]);
//! * handles: where the call had any, opened or not, the instance is dropped, as it is where its memory has grown.
//!
//! Whatever does not go as it should has the same end: the instance is dropped, and the next call makes one.

#[cfg_attr(not(target_os = "linux"), path = "rewind/untold.rs")]
mod pages;

use std::{
    collections::HashMap,
    ops::Range,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use wasmtime::{
    Store,
    component::{Component, ComponentExportIndex, Instance, TypedFunc, WasmList},
};

use crate::{
    guest::{Guest, Live},
    merge,
};

/// What is set back of an instance at most: with more than that to copy, a new one costs less.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// What is kept of the pages of all instances: calls that write to other ones each time would have all of it.
const MOST_PAGES_BYTES: usize = 4 * MOST_BYTES;

/// The unit of a memory's size.
const WASM_PAGE: usize = 64 * 1024;

/// Bytes that stand before each run: its place, and its length.
const HEADER: usize = 8;

/// What the instances of a component begin with, as far as somebody had to know.
pub(crate) struct Origin {
    exports: [ComponentExportIndex; 3],
    /// There was a call.
    was_called: AtomicBool,
    /// It does not work here.
    is_unfit: AtomicBool,
    first: Mutex<First>,
}

#[derive(Default)]
struct First {
    /// How large the memory is; 0: nobody looked.
    bytes: usize,
    /// What an instance takes, with its tables.
    used: usize,
    /// Pages that some call wrote to, as they were before.
    pages: HashMap<u32, Box<[u8]>>,
}

/// What is known of one instance.
pub(crate) struct Tracked {
    memory: WasmList<u8>,
    learn: TypedFunc<(Vec<u8>,), ()>,
    back: TypedFunc<(), (u32,)>,
    /// The pages that the instance knows how to set back.
    known: Vec<bool>,
    /// What it was told of them, in bytes.
    told: usize,
}

/// Why an instance is dropped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Dropped {
    #[error("the call had handles")]
    Handles,
    #[error("its memory has grown")]
    Grown,
    #[error("too much of its memory was written to")]
    Much,
    #[error("nobody tells which pages were written to")]
    Untold,
    #[error("there is no room to look at a new instance")]
    Room,
    #[error("{0:#}")]
    Failed(#[from] wasmtime::Error),
}

impl Live {
    /// Makes the instance what it was before any call, apart from what the host has for it.
    ///
    /// # Errors
    /// Where that cannot be done. The instance is of no use any more.
    pub(crate) async fn set_back(&mut self, origin: &Origin) -> Result<(), Dropped> {
        if self.store.data_mut().had_handles() {
            return Err(Dropped::Handles);
        }
        if !origin.has_size(self.store.data().meter.used()) {
            return Err(Dropped::Grown);
        }
        self.lift_limits()?;
        let mut tracked = match self.tracked.take() {
            Some(tracked) => tracked,
            None => origin.track(&mut self.store, &self.instance).await?,
        };
        let memory = tracked.memory.as_le_slice(&self.store);
        let runs = pages::own(memory).filter(|runs| runs.first().is_some_and(|first| first.start == 0));
        // The first page was written to when the memory was looked at: who does not know that is not to be believed.
        let runs = runs.ok_or_else(|| origin.give_up(Dropped::Untold))?;
        let bytes = memory.len();
        let news = tracked.unknown(&runs);
        tracked.told += told(&news);
        if tracked.told > MOST_BYTES {
            return Err(Dropped::Much);
        }
        if origin.is_missing(&news)? {
            let (sibling, memory) = self.sibling(origin).await?;
            origin.take(&sibling, memory.as_le_slice(&sibling.store), &news);
        }
        let (first_bytes, lesson) = origin.lesson(&news).ok_or(Dropped::Grown)?;
        if bytes != first_bytes {
            return Err(Dropped::Grown);
        }
        if !lesson.is_empty() {
            self.store.data_mut().meter.pause(true);
            let learned = tracked.learn.call_async(&mut self.store, (lesson,)).await;
            self.store.data_mut().meter.pause(false);
            learned?;
            tracked.note(&news);
        }
        let (pages,) = tracked.back.call_async(&mut self.store, ()).await?;
        if pages as usize != bytes / WASM_PAGE {
            return Err(Dropped::Grown);
        }
        #[cfg(debug_assertions)]
        self.compare(origin, &tracked).await?;
        self.tracked = Some(tracked);
        // While it rests, nobody's session is held on to.
        self.store.data_mut().call = None;
        Ok(())
    }

    /// What the gateway does in the instance is not held against the guest. The next call has its own limits.
    fn lift_limits(&mut self) -> Result<(), Dropped> {
        // The whole memory counts as a list that is handed over.
        self.store.set_hostcall_fuel(usize::MAX);
        if self.code.machine.counts_fuel {
            self.store.set_fuel(u64::MAX)?;
        }
        Ok(())
    }

    /// An instance of the same component that was never called, and its memory.
    async fn sibling(&mut self, origin: &Origin) -> Result<(Self, WasmList<u8>), Dropped> {
        let kept = self.code.machine.kept.clone();
        let _room = kept.try_acquire_many_owned(self.code.weight).map_err(|_| Dropped::Room)?;
        let mut sibling = self.again().await?;
        sibling.lift_limits()?;
        let memory = origin.look(&mut sibling.store, &sibling.instance).await?;
        Ok((sibling, memory))
    }

    /// Holds the memory against that of a new instance: what the kernel tells is believed where every microsecond counts,
    /// and looked at everywhere else.
    #[cfg(debug_assertions)]
    async fn compare(&mut self, origin: &Origin, tracked: &Tracked) -> Result<(), Dropped> {
        let (sibling, memory) = self.sibling(origin).await?;
        let (own, new) = (tracked.memory.as_le_slice(&self.store), memory.as_le_slice(&sibling.store));
        assert!(own == new, "an instance that was set back is not what a new one is");
        Ok(())
    }
}

impl Origin {
    /// `None` for a component whose instances cannot be set back.
    pub(crate) fn of(component: &Component) -> Option<Self> {
        let export = |name| component.get_export_index(None, name);
        let exports = [export(merge::LOOK)?, export(merge::LEARN)?, export(merge::REWIND)?];
        let (was_called, is_unfit, first) = Default::default();
        Some(Self { exports, was_called, is_unfit, first })
    }

    /// Whether an instance that was called is worth keeping: from the second call on, since there may be no other.
    pub(crate) fn is_worth_it(&self) -> bool {
        self.was_called.swap(true, Ordering::Relaxed) && !self.is_unfit.load(Ordering::Relaxed)
    }

    fn give_up(&self, why: Dropped) -> Dropped {
        self.is_unfit.store(true, Ordering::Relaxed);
        why
    }

    async fn track(&self, store: &mut Store<Guest>, instance: &Instance) -> Result<Tracked, Dropped> {
        let [_, learn, back] = &self.exports;
        let learn = instance.get_typed_func(&mut *store, learn)?;
        let back = instance.get_typed_func(&mut *store, back)?;
        let memory = self.look(store, instance).await?;
        Ok(Tracked { memory, learn, back, known: Vec::new(), told: 0 })
    }

    /// The memory of an instance, which is read in place.
    async fn look(&self, store: &mut Store<Guest>, instance: &Instance) -> Result<WasmList<u8>, Dropped> {
        let [look, ..] = &self.exports;
        let look = instance.get_typed_func::<(), (WasmList<u8>,)>(&mut *store, look)?;
        let (memory,) = look.call_async(store, ()).await?;
        Ok(memory)
    }

    /// Whether there are some of these pages that nobody has looked at. An error where there is no room for them.
    fn is_missing(&self, runs: &[Range<u32>]) -> Result<bool, Dropped> {
        let first = self.first();
        let missing = runs.iter().cloned().flatten().filter(|page| !first.pages.contains_key(page)).count();
        if (first.pages.len() + missing) * pages::page_size() > MOST_PAGES_BYTES {
            return Err(Dropped::Much);
        }
        Ok(first.bytes == 0 || missing > 0)
    }

    /// Whether an instance that takes so much may be what it was; one that has grown may not.
    fn has_size(&self, used: usize) -> bool {
        let first = self.first();
        first.bytes == 0 || first.used == used
    }

    /// Takes what is missing from `memory`, that of an instance that was never called.
    fn take(&self, new: &Live, memory: &[u8], runs: &[Range<u32>]) {
        let size = pages::page_size();
        let mut first = self.first();
        (first.bytes, first.used) = (memory.len(), new.store.data().meter.used());
        for page in runs.iter().cloned().flatten() {
            if let Some(content) = memory.chunks_exact(size).nth(page as usize) {
                first.pages.entry(page).or_insert_with(|| content.into());
            }
        }
    }

    /// How large the memory was first, and what was in these pages, as an instance learns it. `None`: there were not so
    /// many.
    fn lesson(&self, runs: &[Range<u32>]) -> Option<(usize, Vec<u8>)> {
        let size = pages::page_size();
        let first = self.first();
        let mut lesson = Vec::new();
        for run in runs {
            let (place, length) = (run.start as usize * size, run.len() * size);
            lesson.extend(u32::try_from(place).ok()?.to_le_bytes());
            lesson.extend(u32::try_from(length).ok()?.to_le_bytes());
            for page in run.clone() {
                lesson.extend_from_slice(first.pages.get(&page)?);
            }
        }
        Some((first.bytes, lesson))
    }

    fn first(&self) -> MutexGuard<'_, First> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an instance is told of these runs, in bytes.
fn told(runs: &[Range<u32>]) -> usize {
    runs.iter().map(|run| run.len() * pages::page_size() + HEADER).sum()
}

impl Tracked {
    /// The pages of these runs that the instance was not told of.
    fn unknown(&self, runs: &[Range<u32>]) -> Vec<Range<u32>> {
        let mut unknown: Vec<Range<u32>> = Vec::new();
        for page in runs.iter().cloned().flatten() {
            match unknown.last_mut() {
                _ if self.known.get(page as usize) == Some(&true) => {}
                Some(last) if last.end == page => last.end += 1,
                _ => unknown.push(page..page + 1),
            }
        }
        unknown
    }

    /// It was told of these.
    fn note(&mut self, runs: &[Range<u32>]) {
        for page in runs.iter().cloned().flatten() {
            let page = page as usize;
            if self.known.len() <= page {
                self.known.resize(page + 1, false);
            }
            self.known[page] = true;
        }
    }
}
