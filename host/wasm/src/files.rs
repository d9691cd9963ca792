//! Files of plugins: what `wasmtime-wasi` does, with what a call may write counted, and with special files left closed.
//!
//! The functions that add something to a folder stand here in place of those of `wasmtime-wasi`, take what it needs off
//! the quota, and then have those do it.

use std::{io, sync::Arc};

use bytes::Bytes;
use wasmtime::{
    Result,
    component::{Linker, LinkerInstance, Resource},
};
use wasmtime_wasi::{
    async_trait,
    filesystem::{WasiFilesystemCtxView, WasiFilesystemView as _},
    p2::{
        DynOutputStream, FsResult, OutputStream, Pollable, StreamError, StreamResult,
        bindings::filesystem::types::{
            self, Descriptor, DescriptorFlags, DescriptorType, ErrorCode, Filesize, HostDescriptor, OpenFlags,
            PathFlags,
        },
    },
};

use crate::{
    control::Control,
    guest::{Context, Guest},
    limits::spoken_size,
    permissions::{
        Denial,
        files::{Entry, may_open},
    },
    quota::Quota,
};

/// The interface whose functions these are, as `wasmtime-wasi` links it.
const INTERFACE: &str = "wasi:filesystem/types@0.2.12";

/// What a new file, folder or link takes, whatever is in it: many empty ones fill a disk as well.
const NEW_ENTRY: u64 = 256;

/// What a call may still write.
pub(crate) struct Writing {
    quota: Quota,
    context: Arc<Context>,
    control: Arc<Control>,
}

impl Writing {
    pub(crate) fn new(context: Arc<Context>, control: Arc<Control>) -> Self {
        Self { quota: Quota::new(context.limits.files), context, control }
    }

    /// Takes `bytes` off what is left.
    fn take(&self, bytes: u64) -> Result<(), ErrorCode> {
        if self.quota.take(bytes) {
            return Ok(());
        }
        let (name, limit) = (&self.context.name, spoken_size(self.quota.limit()));
        self.control.note_denial(Denial {
            message: format!("plugin {name:?}: files limit of {limit} reached, written in one call"),
            hint: format!("raise plugins.{name}.limits.files"),
        });
        Err(ErrorCode::InsufficientSpace)
    }
}

/// Puts the functions here in place of those of `wasmtime-wasi`.
pub(crate) fn shadow(linker: &mut Linker<Guest>) -> Result<()> {
    linker.allow_shadowing(true);
    let mut files = linker.instance(INTERFACE)?;
    shadow_contents(&mut files)?;
    shadow_entries(&mut files)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// What writes into a file.
fn shadow_contents(files: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    files.func_wrap_async("[method]descriptor.write", |mut store, (file, bytes, at): (File, Vec<u8>, Filesize)| {
        Box::new(async move {
            let guest = store.data_mut();
            let written = match guest.writing.take(bytes.len() as u64) {
                Ok(()) => guest.filesystem().write(file, bytes, at).await,
                Err(error) => Err(error.into()),
            };
            answer(guest, written)
        })
    })?;
    files.func_wrap_async("[method]descriptor.set-size", |mut store, (file, size): (File, Filesize)| {
        Box::new(async move {
            let guest = store.data_mut();
            let set = set_size(guest, file, size).await;
            answer(guest, set)
        })
    })?;
    files.func_wrap("[method]descriptor.write-via-stream", |mut store, (file, at): (File, Filesize)| {
        let guest = store.data_mut();
        let stream = guest.filesystem().write_via_stream(file, at);
        answer_stream(guest, stream)
    })?;
    files.func_wrap("[method]descriptor.append-via-stream", |mut store, (file,): (File,)| {
        let guest = store.data_mut();
        let stream = guest.filesystem().append_via_stream(file);
        answer_stream(guest, stream)
    })
}

/// What makes something in a folder, or opens it.
fn shadow_entries(files: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    files.func_wrap_async("[method]descriptor.open-at", |mut store, arguments: OpenAt| {
        Box::new(async move {
            let guest = store.data_mut();
            let opened = open_at(guest, arguments).await;
            answer(guest, opened)
        })
    })?;
    files.func_wrap_async("[method]descriptor.create-directory-at", |mut store, (folder, path): (File, String)| {
        Box::new(async move {
            let guest = store.data_mut();
            let made = match guest.writing.take(NEW_ENTRY) {
                Ok(()) => guest.filesystem().create_directory_at(folder, path).await,
                Err(error) => Err(error.into()),
            };
            answer(guest, made)
        })
    })?;
    files.func_wrap_async(
        "[method]descriptor.symlink-at",
        |mut store, (folder, to, path): (File, String, String)| {
            Box::new(async move {
                let guest = store.data_mut();
                let made = match guest.writing.take(NEW_ENTRY + to.len() as u64) {
                    Ok(()) => guest.filesystem().symlink_at(folder, to, path).await,
                    Err(error) => Err(error.into()),
                };
                answer(guest, made)
            })
        },
    )?;
    files.func_wrap_async("[method]descriptor.link-at", |mut store, arguments: LinkAt| {
        Box::new(async move {
            let guest = store.data_mut();
            let (folder, links, path, new_folder, new_path) = arguments;
            let made = match guest.writing.take(NEW_ENTRY) {
                Ok(()) => guest.filesystem().link_at(folder, links, path, new_folder, new_path).await,
                Err(error) => Err(error.into()),
            };
            answer(guest, made)
        })
    })
}

type File = Resource<Descriptor>;
type LinkAt = (File, PathFlags, String, File, String);
type OpenAt = (File, PathFlags, String, OpenFlags, DescriptorFlags);
type Answer<T> = Result<(Result<T, ErrorCode>,)>;

/// What the guest is told: an error of the file, where it is no error of the host.
fn answer<T>(guest: &mut Guest, result: FsResult<T>) -> Answer<T> {
    match result {
        Ok(value) => Ok((Ok(value),)),
        Err(error) => Ok((Err(types::Host::convert_error_code(&mut guest.filesystem(), error)?),)),
    }
}

/// The same for a stream, whose bytes are counted from here on.
fn answer_stream(guest: &mut Guest, stream: FsResult<Resource<DynOutputStream>>) -> Answer<Resource<DynOutputStream>> {
    if let Ok(stream) = &stream {
        let writing = guest.writing.clone();
        let WasiFilesystemCtxView { table, .. } = guest.filesystem();
        let place = table.get_mut(stream)?;
        let inner = std::mem::replace(place, Box::new(Closed));
        *place = Box::new(Counted { inner, writing });
    }
    answer(guest, stream)
}

/// A file that grows takes as much as it grows by, whether that is written or left out.
async fn set_size(guest: &mut Guest, file: File, size: Filesize) -> FsResult<()> {
    let now = guest.filesystem().stat(Resource::new_borrow(file.rep())).await?.size;
    guest.writing.take(size.saturating_sub(now))?;
    guest.filesystem().set_size(file, size).await
}

async fn open_at(guest: &mut Guest, (folder, links, path, how, flags): OpenAt) -> FsResult<File> {
    let found = guest.filesystem().stat_at(Resource::new_borrow(folder.rep()), links, path.clone()).await;
    if found.is_ok_and(|stat| !may_open(entry(stat.type_))) {
        return Err(ErrorCode::NotPermitted.into());
    }
    if how.contains(OpenFlags::CREATE) {
        guest.writing.take(NEW_ENTRY)?;
    }
    guest.filesystem().open_at(folder, links, path, how, flags).await
}

fn entry(kind: DescriptorType) -> Entry {
    match kind {
        DescriptorType::BlockDevice
        | DescriptorType::CharacterDevice
        | DescriptorType::Fifo
        | DescriptorType::Socket
        | DescriptorType::Unknown => Entry::Special,
        DescriptorType::Directory | DescriptorType::SymbolicLink | DescriptorType::RegularFile => Entry::Plain,
    }
}

/// A stream into a file, whose bytes are counted.
struct Counted {
    inner: DynOutputStream,
    writing: Arc<Writing>,
}

impl Counted {
    fn take(&self, bytes: &Bytes) -> StreamResult<()> {
        self.writing.take(bytes.len() as u64).map_err(|_| StreamError::LastOperationFailed(full().into()))
    }
}

/// What a full disk says, which is what the guest is told.
#[cfg(unix)]
fn full() -> io::Error {
    rustix::io::Errno::NOSPC.into()
}

#[cfg(not(unix))]
fn full() -> io::Error {
    io::ErrorKind::StorageFull.into()
}

/// What stands in a stream's place while it is wrapped.
struct Closed;

#[async_trait]
impl OutputStream for Closed {
    fn write(&mut self, _: Bytes) -> StreamResult<()> {
        Err(StreamError::Closed)
    }

    fn flush(&mut self) -> StreamResult<()> {
        Err(StreamError::Closed)
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Err(StreamError::Closed)
    }
}

#[async_trait]
impl Pollable for Closed {
    async fn ready(&mut self) {}
}

#[async_trait]
impl OutputStream for Counted {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes)?;
        self.inner.write(bytes)
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes)?;
        self.inner.blocking_write_and_flush(bytes).await
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.inner.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.inner.check_write()
    }

    async fn cancel(&mut self) {
        self.inner.cancel().await;
    }
}

#[async_trait]
impl Pollable for Counted {
    async fn ready(&mut self) {
        self.inner.ready().await;
    }
}
