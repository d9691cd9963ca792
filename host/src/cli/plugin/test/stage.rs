//! What stands around a plugin that is tested: its folders, and the tools of others.

use std::{collections::BTreeMap, fs, io, path::Path, sync::Arc};

use gateway_core::{
    call::{Call, Caller},
    error::CallError,
    payload::{Json, Reply},
    role::RoleSet,
    snapshot::Snapshot,
    source::{Abilities, Dispatch, Fut, Nobody},
};
use gateway_wasm::config::{FileGrant, PermissionsConfig};
use serde_json::Value;
use tempfile::TempDir;

use super::script::Script;

/// Tools that answer as the file says.
struct Tools {
    roles: Arc<RoleSet>,
    answers: BTreeMap<String, Value>,
}

impl Dispatch for Tools {
    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::new(Snapshot::of(self.roles.clone(), &[], &Abilities::NONE, Arc::default()))
    }

    fn invoke<'a>(&'a self, tool: &'a str, _: Option<Json>, _: Arc<Call>) -> Fut<'a, Result<Reply, CallError>> {
        let answer = self.answers.get(tool).map(|answer| Reply { body: Json::from_value(answer) });
        Box::pin(async move { answer.ok_or_else(|| CallError::UnknownTool(tool.into())) })
    }
}

/// A call from nobody, with the file's tools around it.
pub(in super::super) fn call(script: &Script) -> anyhow::Result<Arc<Call>> {
    let roles = Arc::new(RoleSet::new(Vec::new(), None));
    let caller = Caller { role: roles.resolve(None)? };
    let tools = Tools { roles, answers: script.tools.clone() };
    Ok(Arc::new(Call::root(caller, None, Arc::new(Nobody), Arc::new(tools))))
}

/// What the plugin asks for, with the file's values and with copies of its folders in `place`.
pub(super) fn permissions(
    asked: &PermissionsConfig,
    script: &Script,
    folder: &Path,
    place: &TempDir,
) -> anyhow::Result<PermissionsConfig> {
    let mut granted = asked.clone();
    for (name, value) in &mut granted.env {
        if let Some(given) = script.env.get(name) {
            value.clone_from(given);
        }
    }
    granted.files.clear();
    for (at, ask) in asked.files.iter().enumerate() {
        let path = place.path().join(at.to_string());
        match script.files.get(&ask.mount) {
            Some(given) => copy(&folder.join(given), &path)
                .map_err(|error| anyhow::anyhow!("files: {}: {}: {error}", ask.mount, given.display()))?,
            None => fs::create_dir(&path)?,
        }
        granted.files.push(FileGrant { path, ..ask.clone() });
    }
    Ok(granted)
}

/// Copies files and folders; links and whatever else there is stay behind.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let (entry, target) = entry.map(|entry| (entry.path(), to.join(entry.file_name())))?;
        let kind = fs::symlink_metadata(&entry)?.file_type();
        if kind.is_dir() {
            copy(&entry, &target)?;
        } else if kind.is_file() {
            fs::copy(&entry, &target)?;
        }
    }
    Ok(())
}
