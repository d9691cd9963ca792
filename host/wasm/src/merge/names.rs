//! The names of functions, which backtraces of traps tell.

use std::collections::BTreeMap;

use wasm_encoder::{NameMap, NameSection};

use super::{map::Map, module::Module, parts::Space};

/// Those of the merged module, by the index that they have there.
#[derive(Default)]
pub(super) struct Names<'a>(BTreeMap<u32, &'a str>);

impl<'a> Names<'a> {
    pub(super) fn add(&mut self, module: &Module<'a>, map: &Map) {
        for (index, name) in &module.names {
            // Where an import is another's function, that one knows best what it is called.
            if let Some(function) = map.find(Space::Func, *index) {
                self.0.insert(function, name);
            }
        }
    }

    pub(super) fn section(&self) -> NameSection {
        let mut functions = NameMap::new();
        for (index, name) in &self.0 {
            functions.append(*index, name);
        }
        let mut section = NameSection::new();
        section.functions(&functions);
        section
    }
}
