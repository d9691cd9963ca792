//! The types of the merged module. What several modules have is there once: whoever loads it looks at each of them.

use std::collections::HashMap;

use wasm_encoder::{
    TypeSection,
    reencode::{Reencode, RoundtripReencoder},
};
use wasmparser::{CompositeInnerType, FuncType, RecGroup, ValType};

use super::{Unfit, map::Map, module::Module};

#[derive(Default)]
pub(super) struct Types {
    section: TypeSection,
    count: u32,
    functions: HashMap<FuncType, u32>,
}

impl Types {
    /// Takes up those of a module, and notes in its map what their indices become.
    pub(super) fn add(&mut self, module: &Module<'_>, map: &mut Map) -> Result<(), Unfit> {
        for group in &module.types {
            if let Some(function) = plain(group) {
                map.types.push(self.function(function)?);
                continue;
            }
            // Its types may name each other.
            for _ in group.types() {
                map.types.push(self.count);
                self.count += 1;
            }
            map.parse_recursive_type_group(self.section.ty(), group.clone())?;
        }
        Ok(())
    }

    /// The index of the type of functions that name no other types.
    pub(super) fn function(&mut self, function: &FuncType) -> Result<u32, Unfit> {
        if let Some(known) = self.functions.get(function) {
            return Ok(*known);
        }
        let index = self.count;
        let written = RoundtripReencoder.func_type(function.clone());
        self.section.ty().func_type(&written.map_err(|error| Unfit::Unreadable(error.to_string()))?);
        self.functions.insert(function.clone(), index);
        self.count += 1;
        Ok(index)
    }

    pub(super) fn section(&self) -> &TypeSection {
        &self.section
    }
}

/// The one type of a group, where it is that of a function and says nothing beyond that.
fn plain(group: &RecGroup) -> Option<&FuncType> {
    let ty = group.types().next().filter(|ty| !group.is_explicit_rec_group() && ty.is_final)?;
    let composite = &ty.composite_type;
    let CompositeInnerType::Func(function) = &composite.inner else { return None };
    let says_more = ty.supertype_idx.is_some()
        || composite.shared
        || composite.descriptor_idx.is_some()
        || composite.describes_idx.is_some();
    let names_another = |value: &ValType| matches!(value, ValType::Ref(of) if of.type_index().is_some());
    let mut values = function.params().iter().chain(function.results());
    (!says_more && !values.any(names_another)).then_some(function)
}
