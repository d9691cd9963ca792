//! What was worked out once: compiled components, and what they listed.
//!
//! A compiled component is native code that runs unchecked, so that the folder is private: it and its files have to
//! belong to this user and be writable by nobody else. A file that is damaged is noticed by its checksum and made anew.

mod prune;
mod stamp;

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use gateway_core::payload::Json;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use wasmtime::{Engine, component::Component};

use self::prune::{RENEWED, prune, use_of};
pub use self::stamp::Stamp;
use crate::config::Manifest;

/// The folder.
pub(crate) struct Cache {
    folder: PathBuf,
    /// What tells the code of each of the engines from that of others, which takes a while to find out.
    formats: Mutex<Vec<(Engine, u64)>>,
}

/// SHA-256 of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Digest([u8; 32]);

/// What is known of a file that has not changed since.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// What it holds.
    pub(crate) digest: Digest,
    /// What the component says about itself.
    pub(crate) manifest: Option<Manifest>,
}

/// Longer than the steps in which the file system's clock goes.
const TICK: Duration = Duration::from_millis(10);

/// Bytes of the checksum at the end of a compiled component.
const CHECKSUM: usize = 32;

/// How components are changed before they are compiled (`merge`); another number is another way.
const CODE_FORMAT: u32 = 4;

/// How the remembered lists are written; another number is another format.
const DEFINITIONS_FORMAT: u8 = 2;

impl Digest {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Cache {
    /// Touches nothing yet.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, formats: Mutex::default() }
    }

    /// The component of this digest, where it was compiled for this engine before.
    pub(crate) fn component(&self, engine: &Engine, digest: Digest) -> Option<Component> {
        let path = self.code_path(engine, digest);
        let found = self.load(engine, &path);
        if let Err(error) = &found
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("{} is not used, and the plugin is compiled anew: {error}", path.display());
        }
        found.ok()
    }

    /// Keeps `code`, compiled for `engine`, and loads it from there. What cannot be loaded is not kept.
    pub(crate) fn keep_component(&self, engine: &Engine, digest: Digest, code: &[u8]) -> io::Result<Component> {
        self.make_folder()?;
        let path = self.code_path(engine, digest);
        self.write(&path, &[code, &Sha256::digest(code)])?;
        prune(&self.folder, SystemTime::now());
        self.load(engine, &path).inspect_err(|_| drop(fs::remove_file(&path)))
    }

    /// Fails where nothing can be kept.
    pub(crate) fn check_writable(&self) -> io::Result<()> {
        self.make_folder()?;
        tempfile::tempfile_in(&self.folder).map(drop)
    }

    /// What is known of the file that a package has.
    pub(crate) fn facts(&self, stamp: &Stamp) -> Option<Facts> {
        let path = self.facts_path(stamp);
        let metadata = fs::symlink_metadata(&path).ok()?;
        private(&metadata).and_then(|()| self.check_folder()).ok()?;
        let facts = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        if is_stale(&metadata) {
            self.keep_facts(stamp, &facts);
        }
        Some(facts)
    }

    /// Keeps what is known of the file that a package has. That this fails is no reason to stop.
    pub(crate) fn keep_facts(&self, stamp: &Stamp, facts: &Facts) {
        let write = |text: Vec<u8>| self.make_folder().and_then(|()| self.write(&self.facts_path(stamp), &[&text]));
        if let Err(error) = serde_json::to_vec(facts).map_err(io::Error::other).and_then(write) {
            tracing::debug!("what is known of a plugin's file cannot be kept: {error}");
        }
    }

    /// What the component listed under this configuration.
    pub(crate) fn definitions(&self, digest: Digest, config: &Json) -> Option<Json> {
        let path = self.definitions_path(digest, config);
        private(&fs::symlink_metadata(&path).ok()?).ok()?;
        self.check_folder().ok()?;
        Json::parse(fs::read(&path).ok()?).ok()
    }

    /// Keeps what the component listed. That this fails is no reason to stop.
    pub(crate) fn keep_definitions(&self, digest: Digest, config: &Json, definitions: &Json) {
        let path = self.definitions_path(digest, config);
        let written = self.make_folder().and_then(|()| self.write(&path, &[definitions.as_bytes(), b"\n"]));
        if let Err(error) = written {
            tracing::warn!("{} cannot be written: {error}", path.display());
        }
    }

    /// Keeps other processes, and other threads of this one, from compiling the same component until the file is
    /// dropped. Blocks. Without a lock it is compiled twice, and nothing worse.
    pub(crate) fn lock(&self, digest: Digest) -> Option<File> {
        self.make_folder().ok()?;
        let file = File::options().create(true).append(true).open(self.folder.join(format!("{digest}.lock"))).ok()?;
        file.lock().ok()?;
        Some(file)
    }

    fn code_path(&self, engine: &Engine, digest: Digest) -> PathBuf {
        self.folder.join(format!("{digest}-{:016x}.cwasm", self.format(engine)))
    }

    /// What tells the code of this engine from that of others: the same on every run.
    fn format(&self, engine: &Engine) -> u64 {
        let mut known = self.formats.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, format)) = known.iter().find(|(of, _)| Engine::same(of, engine)) {
            return *format;
        }
        // With its fixed keys.
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        CODE_FORMAT.hash(&mut hasher);
        let format = hasher.finish();
        known.push((engine.clone(), format));
        format
    }

    fn facts_path(&self, stamp: &Stamp) -> PathBuf {
        self.folder.join(format!("{}.file", Digest::of(stamp.as_str().as_bytes())))
    }

    fn definitions_path(&self, digest: Digest, config: &Json) -> PathBuf {
        let config = Digest::of(config.as_bytes()).to_string();
        self.folder.join(format!("{digest}-{}.offer{DEFINITIONS_FORMAT}.json", &config[..16]))
    }

    #[allow(unsafe_code, reason = "wasmtime cannot check native code; that we wrote it is checked here instead")]
    fn load(&self, engine: &Engine, path: &Path) -> io::Result<Component> {
        let metadata = fs::symlink_metadata(path)?;
        private(&metadata)?;
        self.check_folder()?;
        self.verify(path, &metadata)?;
        // SAFETY: the file is what `keep_component` wrote: its checksum is right, it and its folder belong to this user,
        // and nobody else may write there. It stays as it is while it is mapped, since files here are replaced by
        // renaming and never changed.
        unsafe { Component::deserialize_file(engine, path) }.map_err(|error| io::Error::other(format!("{error:#}")))
    }

    /// Fails where the file is damaged. Looks at all of it once, and at its stamp from then on: reading it would take
    /// longer than everything else together.
    fn verify(&self, path: &Path, metadata: &fs::Metadata) -> io::Result<()> {
        let (seen, stamp) = (use_of(path), Stamp::own(metadata));
        let is_seen = |stamp: &Stamp| {
            let known = fs::symlink_metadata(&seen).ok().filter(|metadata| private(metadata).is_ok())?;
            (fs::read(&seen).ok()? == stamp.as_str().as_bytes()).then_some(known)
        };
        let known = stamp.as_ref().and_then(is_seen);
        if known.is_none() {
            // What changes after this second look has another stamp.
            std::thread::sleep(TICK);
            verify(path)?;
        }
        if let Some(stamp) = stamp.filter(|_| known.is_none_or(|known| is_stale(&known))) {
            self.write(&seen, &[stamp.as_str().as_bytes()])?;
        }
        Ok(())
    }

    fn make_folder(&self) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.folder)?;
        self.check_folder()
    }

    fn check_folder(&self) -> io::Result<()> {
        private(&fs::metadata(&self.folder)?)
    }

    /// Writes a file under another name and gives it its own when it is whole.
    fn write(&self, path: &Path, parts: &[&[u8]]) -> io::Result<()> {
        // Readable and writable by this user alone, which is what `tempfile` makes.
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        parts.iter().try_for_each(|part| file.write_all(part))?;
        file.persist(path)?;
        Ok(())
    }
}

/// Whether a file was written so long ago that its use is to be noted again.
fn is_stale(metadata: &fs::Metadata) -> bool {
    metadata.modified().is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > RENEWED))
}

/// Fails where the last bytes of a file are not the checksum of the rest.
fn verify(path: &Path) -> io::Result<()> {
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "it is damaged");
    let mut file = File::open(path)?;
    let length = file.metadata()?.len().checked_sub(CHECKSUM as u64).ok_or_else(damaged)?;
    let mut hasher = Sha256::new();
    let copied = io::copy(&mut (&mut file).take(length), &mut hasher)?;
    let mut checksum = [0; CHECKSUM];
    file.read_exact(&mut checksum)?;
    let right = copied == length && hasher.finalize().as_slice() == checksum;
    if right { Ok(()) } else { Err(damaged()) }
}

/// Fails where somebody else could have written the file or folder.
#[cfg(unix)]
fn private(metadata: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let problem = match metadata {
        _ if metadata.is_symlink() => "it is a symbolic link",
        _ if metadata.uid() != rustix::process::geteuid().as_raw() => "it belongs to another user",
        _ if metadata.mode() & 0o022 != 0 => "others may write to it",
        _ => return Ok(()),
    };
    Err(io::Error::new(io::ErrorKind::PermissionDenied, problem))
}

/// Fails where the file is a link; the profile's folder is private on other systems.
#[cfg(not(unix))]
fn private(metadata: &fs::Metadata) -> io::Result<()> {
    match metadata.is_symlink() {
        true => Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is a symbolic link")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    fn engine() -> Engine {
        Engine::default()
    }

    fn folder() -> (tempfile::TempDir, Cache) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("cache"));
        (folder, cache)
    }

    #[test]
    fn components_are_kept() {
        let ((_folder, cache), engine, digest) = (folder(), engine(), Digest::of(COMPONENT));
        assert!(cache.component(&engine, digest).is_none());
        let code = engine.precompile_component(COMPONENT).unwrap();
        cache.keep_component(&engine, digest, &code).unwrap();
        assert!(cache.component(&engine, digest).is_some());
        assert!(cache.component(&engine, Digest::of(b"other")).is_none());
    }

    #[test]
    fn damaged_files_are_not_used() {
        let ((_folder, cache), engine, digest) = (folder(), engine(), Digest::of(COMPONENT));
        let code = engine.precompile_component(COMPONENT).unwrap();
        cache.keep_component(&engine, digest, &code).unwrap();
        let path = cache.code_path(&engine, digest);
        let whole = fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        let other = [&b"something else"[..], &Sha256::digest(b"something else")].concat();
        for damaged in [&flipped[..], &whole[..whole.len() / 2], &[], b"short", &other] {
            fs::write(&path, damaged).unwrap();
            assert!(cache.component(&engine, digest).is_none());
        }
        fs::write(&path, &whole).unwrap();
        assert!(cache.component(&engine, digest).is_some());
        assert!(cache.keep_component(&engine, digest, b"no code").is_err());
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_stamp_stands_for_a_file_that_was_looked_at() {
        let ((_folder, cache), engine, digest) = (folder(), engine(), Digest::of(COMPONENT));
        let code = engine.precompile_component(COMPONENT).unwrap();
        cache.keep_component(&engine, digest, &code).unwrap();
        let path = cache.code_path(&engine, digest);
        let stamp = fs::read(use_of(&path)).unwrap();
        assert_eq!(stamp, Stamp::own(&fs::metadata(&path).unwrap()).unwrap().as_str().as_bytes());
        // A forged stamp is none, whatever it says.
        for forged in [&b"forged"[..], b""] {
            fs::write(use_of(&path), forged).unwrap();
            assert!(cache.component(&engine, digest).is_some());
            assert_eq!(fs::read(use_of(&path)).unwrap(), stamp);
        }
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert!(cache.component(&engine, digest).is_none());
    }

    #[test]
    fn facts_belong_to_a_stamp() {
        let (_folder, cache) = folder();
        let stamp = |text: &str| {
            let file = tempfile::NamedTempFile::new().unwrap();
            fs::write(file.path(), text).unwrap();
            Stamp::own(&file.as_file().metadata().unwrap())
        };
        let (Some(one), Some(other)) = (stamp("one"), stamp("other")) else { return };
        assert!(cache.facts(&one).is_none());
        let manifest = Some(Manifest { name: Some("x".to_owned()), ..Manifest::default() });
        cache.keep_facts(&one, &Facts { digest: Digest::of(COMPONENT), manifest });
        let facts = cache.facts(&one).unwrap();
        assert_eq!((facts.digest, facts.manifest.unwrap().name.as_deref()), (Digest::of(COMPONENT), Some("x")));
        assert!(cache.facts(&other).is_none());
        fs::write(cache.facts_path(&one), "{").unwrap();
        assert!(cache.facts(&one).is_none());
    }

    #[cfg(unix)]
    #[test]
    fn what_others_may_write_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let ((_folder, cache), engine, digest) = (folder(), engine(), Digest::of(COMPONENT));
        let code = engine.precompile_component(COMPONENT).unwrap();
        cache.keep_component(&engine, digest, &code).unwrap();
        let path = cache.code_path(&engine, digest);
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(fs::metadata(&cache.folder).unwrap().permissions().mode() & 0o777, 0o700);
        mode(&path, 0o666);
        assert!(cache.component(&engine, digest).is_none());
        mode(&path, 0o600);
        mode(&cache.folder, 0o777);
        assert!(cache.component(&engine, digest).is_none());
        assert!(cache.check_writable().is_err());
        assert!(cache.keep_component(&engine, digest, &code).is_err());
        mode(&cache.folder, 0o700);
        assert!(cache.component(&engine, digest).is_some());
        let elsewhere = cache.folder.join("elsewhere");
        fs::rename(&path, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        assert!(cache.component(&engine, digest).is_none());
    }

    #[test]
    fn definitions_belong_to_a_configuration() {
        let (_folder, cache) = folder();
        let (digest, config) = (Digest::of(COMPONENT), Json::parse("{\"a\":1}").unwrap());
        let listed = Json::parse("{\"tools\":[]}").unwrap();
        cache.keep_definitions(digest, &config, &listed);
        assert_eq!(cache.definitions(digest, &config).unwrap(), listed);
        assert!(cache.definitions(digest, &Json::parse("null").unwrap()).is_none());
        assert!(cache.definitions(Digest::of(b""), &config).is_none());
        fs::write(cache.definitions_path(digest, &config), "[{}").unwrap();
        assert!(cache.definitions(digest, &config).is_none());
    }
}
