//! What a component exports of what its module does to be set back, and which components may.

use wasm_encoder::{
    Alias, CanonicalFunctionSection, CanonicalOption, ComponentAliasSection, ComponentExportKind,
    ComponentExportSection, ComponentTypeSection, ComponentValType, PrimitiveValType,
};
use wasmparser::Instance;

use super::{
    Unfit,
    emit::Emitter,
    group::Group,
    parts::{Kind, Nested, Parts, Space},
    rewind::{KEPT, LEARN, LOOK, LOOKED, MEMORY, REWIND, ROOM, changes_more},
};

const INERT: Nested = Nested::Same { is_inert: true };

/// Whether nothing but the merged module can change, as far as the other ones are concerned.
pub(super) fn may_rewind(parts: &Parts<'_>, group: &Group<'_>) -> Result<bool, Unfit> {
    if parts.has_resources || !parts.nested.iter().all(|nested| *nested == INERT) {
        return Ok(false);
    }
    for (index, instance) in (0..).zip(&parts.instances) {
        let Instance::Instantiate { module_index, .. } = instance else { continue };
        if group.has(index) {
            continue;
        }
        let module = parts.module(*module_index)?;
        let has_state = !module.memories.is_empty() || module.globals.iter().any(|global| global.ty.mutable);
        if has_state || module.start.is_some() {
            return Ok(false);
        }
        for body in &module.bodies {
            let mut operators = body.get_operators_reader()?;
            while !operators.eof() {
                if changes_more(&operators.read()?) {
                    return Ok(false);
                }
            }
        }
    }
    Ok(true)
}

impl Emitter<'_, '_> {
    /// Exports the functions of the merged module. They come last, so that no index changes.
    pub(super) fn emit_rewinding(&mut self) -> Result<bool, Unfit> {
        let merged = self.merged.ok_or(Unfit::Missing)?;
        let memory = self.take_export(Space::Memory, merged, MEMORY);
        let kept = self.take_export(Space::Memory, merged, KEPT);
        let [look, looked, room, learn, back] =
            [LOOK, LOOKED, ROOM, LEARN, REWIND].map(|name| self.take_export(Space::Func, merged, name));

        let first = self.parts.counts[Kind::Type as usize];
        let mut types = ComponentTypeSection::new();
        types.defined_type().list(PrimitiveValType::U8);
        let bytes = ComponentValType::Type(first);
        types.function().params::<[(&str, ComponentValType); 0], _>([]).result(Some(bytes));
        types.function().params([("pages", bytes)]).result(None);
        let pages = ComponentValType::Primitive(PrimitiveValType::U32);
        types.function().params::<[(&str, ComponentValType); 0], _>([]).result(Some(pages));
        self.section(&types);

        let mut lifted = CanonicalFunctionSection::new();
        lifted.lift(look, first + 1, [CanonicalOption::Memory(memory), CanonicalOption::PostReturn(looked)]);
        lifted.lift(learn, first + 2, [CanonicalOption::Memory(kept), CanonicalOption::Realloc(room)]);
        lifted.lift(back, first + 3, []);
        self.section(&lifted);
        self.export_rewinding(self.parts.counts[Kind::Func as usize]);
        Ok(true)
    }

    /// Exports what the one component within exports, where there is nothing else that could change.
    pub(super) fn emit_rewinding_within(&mut self) -> bool {
        let parts = self.parts;
        let mut lively = (0_u32..).zip(&parts.nested).filter(|(_, nested)| **nested != INERT);
        let (Some((at, Nested::Merged { rewinds: true })), None) = (lively.next(), lively.next()) else { return false };
        let mut of_it = parts.nested_instances.iter().filter(|(of, _)| *of == at);
        let (Some((_, instance)), None) = (of_it.next(), of_it.next()) else { return false };
        if !parts.modules.is_empty() || parts.has_resources {
            return false;
        }
        let mut taken = ComponentAliasSection::new();
        for name in [LOOK, LEARN, REWIND] {
            taken.alias(Alias::InstanceExport { instance: *instance, kind: ComponentExportKind::Func, name });
        }
        self.section(&taken);
        self.export_rewinding(parts.counts[Kind::Func as usize]);
        true
    }

    /// Exports the three functions that begin at this index.
    fn export_rewinding(&mut self, first: u32) {
        let mut exports = ComponentExportSection::new();
        for (index, name) in (first..).zip([LOOK, LEARN, REWIND]) {
            exports.export(name, ComponentExportKind::Func, index, None);
        }
        self.section(&exports);
    }
}
