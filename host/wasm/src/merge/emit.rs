//! The component anew, with one module in the place of several.

use std::collections::BTreeMap;

use wasm_encoder::{
    Alias, CanonicalFunctionSection, Component, ComponentAliasSection, ComponentSection, ExportKind, InstanceSection,
    ModuleArg, ModuleSection, RawSection,
    reencode::{Error, Reencode, ReencodeComponent},
};
use wasmparser::{CanonicalFunction, Instance, InstantiationArg};

use super::{
    Anew, Unfit,
    group::Group,
    linked::{IMPORTS, Merged, exported},
    parts::{Definition, Item, Parts, Space},
    rewinding,
    wanted::Wanted,
};

/// The section of a module.
const MODULE: u8 = 1;

pub(super) fn emit<'a>(parts: &Parts<'a>, group: &Group<'a>) -> Result<Anew, Unfit> {
    let mut wanted = Wanted::new(parts, group);
    wanted.find()?;
    if group.last().is_none() {
        return Emitter::new(parts, group, &wanted).emit(&Merged::default());
    }
    let exports: Vec<_> = wanted.exports.iter().copied().collect();
    let merged = group.merge(parts, &exports, rewinding::may_rewind(parts, group)?)?;
    if group.is_alone() && !merged.rewinds {
        return Err(Unfit::Nothing);
    }
    // What only the merged module wants is wanted still.
    for import in &merged.imports {
        wanted.definition(Space::Func, *import)?;
    }
    Emitter::new(parts, group, &wanted).emit(&merged)
}

/// The component as far as it is written.
pub(super) struct Emitter<'p, 'a> {
    pub(super) parts: &'p Parts<'a>,
    group: &'p Group<'a>,
    wanted: &'p Wanted<'p, 'a>,
    component: Component,
    places: Places,
    /// The instance of the merged module, once it is there.
    pub(super) merged: Option<u32>,
}

/// Where definitions are now; `None` for those that are not there yet.
#[derive(Default)]
struct Places {
    spaces: [Indices; 4],
    instances: Indices,
    modules: Indices,
}

/// An index space: where each of the old indices is, and how many new ones there are.
#[derive(Default)]
struct Indices {
    places: Vec<Option<u32>>,
    count: u32,
}

impl<'p, 'a> Emitter<'p, 'a> {
    fn new(parts: &'p Parts<'a>, group: &'p Group<'a>, wanted: &'p Wanted<'p, 'a>) -> Self {
        let (component, places) = (Component::new(), Places::default());
        Self { parts, group, wanted, component, places, merged: None }
    }

    fn emit(mut self, merged: &Merged<'a>) -> Result<Anew, Unfit> {
        // What needs the merged module waits for it. Nothing but definitions for modules does.
        let mut waiting = Vec::new();
        for item in &self.parts.items {
            if self.is_gone(item) {
                continue;
            }
            match (item, self.merged) {
                (Item::Instance(index), _) if self.group.last() == Some(*index) => {
                    let is_module = |item: &&Item<'_>| match item {
                        Item::Instance(index) => self.is_of_module(*index),
                        _ => false,
                    };
                    if merged.starts && waiting.iter().any(is_module) {
                        return Err(Unfit::Unusual("a module is started after others that could not be there yet"));
                    }
                    self.emit_merged(merged)?;
                    for item in waiting.drain(..) {
                        self.emit_item(item)?;
                    }
                }
                (Item::Instance(index), _) if self.group.has(*index) => {}
                (Item::Export { .. } | Item::Canon { .. } | Item::Instance(_), None) => {
                    match self.emit_item(item) {
                        Err(Unfit::Missing) => waiting.push(item),
                        done => done?,
                    };
                }
                _ => self.emit_item(item)?,
            }
        }
        let rewinds = match self.merged {
            Some(_) => merged.rewinds && self.emit_rewinding()?,
            None => self.emit_rewinding_within(),
        };
        Ok(Anew { bytes: self.component.finish(), rewinds })
    }

    fn is_of_module(&self, instance: u32) -> bool {
        let found = self.parts.instance(instance);
        found.is_ok_and(|found| matches!(found, Instance::Instantiate { .. }))
    }

    /// Whether nobody wants it any more.
    fn is_gone(&self, item: &Item<'_>) -> bool {
        match item {
            Item::Export { space, index } => !self.wanted.definitions.contains(&(*space, *index)),
            Item::Canon { index, .. } => !self.wanted.definitions.contains(&(Space::Func, *index)),
            Item::Instance(index) => !self.group.has(*index) && !self.wanted.instances.contains(index),
            _ => false,
        }
    }

    /// Fails with [`Unfit::Missing`] where something that it needs is not there yet.
    fn emit_item(&mut self, item: &Item<'a>) -> Result<(), Unfit> {
        match item {
            Item::Whole { id, content } => self.section(&RawSection { id: *id, data: content }),
            Item::Alias(alias) => {
                let mut section = ComponentAliasSection::new();
                section.alias(self.places.component_alias(alias.clone())?);
                self.section(&section);
            }
            Item::Lift(function) => self.emit_canon(function)?,
            Item::Canon { index, function } => {
                self.emit_canon(function)?;
                self.places.spaces[Space::Func as usize].add(*index);
            }
            Item::Module(index) => self.emit_module(*index)?,
            Item::Instance(index) => {
                match self.parts.instance(*index)? {
                    Instance::Instantiate { module_index, args } => self.emit_instance(*module_index, args)?,
                    exports @ Instance::FromExports(_) => {
                        let mut section = InstanceSection::new();
                        self.places.parse_instance(&mut section, exports.clone())?;
                        self.section(&section);
                    }
                }
                self.places.instances.add(*index);
            }
            Item::Export { space, index } => {
                let Definition::Export { instance, name } = self.parts.definition(*space, *index)? else {
                    return Err(Unfit::Unusual("an alias is none"));
                };
                let (instance, name) = match self.group.has(instance) {
                    true => (self.merged.ok_or(Unfit::Missing)?, exported(instance, name)),
                    false => (self.places.instances.get(instance)?, name.to_owned()),
                };
                self.emit_alias(*space, instance, &name);
                self.places.spaces[*space as usize].add(*index);
            }
        }
        Ok(())
    }

    fn emit_instance(&mut self, module: u32, args: &[InstantiationArg<'a>]) -> Result<(), Unfit> {
        let place = self.places.modules.get(module)?;
        let mut given = Vec::new();
        for arg in args {
            let instance = match self.group.has(arg.index) {
                true => self.emit_part(arg.index, self.parts.module(module)?.imports_of(arg.name))?,
                false => self.places.instances.get(arg.index)?,
            };
            given.push((arg.name, ModuleArg::Instance(instance)));
        }
        let mut section = InstanceSection::new();
        section.instantiate(place, given);
        self.section(&section);
        Ok(())
    }

    /// These exports of one of the merged modules, as an instance.
    fn emit_part(&mut self, of: u32, exports: impl Iterator<Item = (Space, &'a str)>) -> Result<u32, Unfit> {
        let merged = self.merged.ok_or(Unfit::Missing)?;
        let mut given = BTreeMap::new();
        for (space, name) in exports {
            let index = self.take_export(space, merged, &exported(of, name));
            given.insert(name, (space.kind(), index));
        }
        let mut section = InstanceSection::new();
        section.export_items(given.into_iter().map(|(name, (kind, index))| (name, kind, index)));
        self.section(&section);
        Ok(self.places.instances.skip())
    }

    fn emit_canon(&mut self, function: &CanonicalFunction) -> Result<(), Unfit> {
        let mut section = CanonicalFunctionSection::new();
        self.places.parse_component_canonical(&mut section, function.clone())?;
        self.section(&section);
        Ok(())
    }

    fn emit_alias(&mut self, space: Space, instance: u32, name: &str) {
        let mut section = ComponentAliasSection::new();
        section.alias(Alias::CoreInstanceExport { instance, kind: space.kind(), name });
        self.section(&section);
    }

    /// Takes the export of an instance that had no index before; gives the index that it has.
    pub(super) fn take_export(&mut self, space: Space, instance: u32, name: &str) -> u32 {
        self.emit_alias(space, instance, name);
        self.places.spaces[space as usize].skip()
    }

    /// A module, unless it is part of the merged one.
    fn emit_module(&mut self, index: u32) -> Result<(), Unfit> {
        let is_of = |instance: &Instance<'_>| matches!(instance, Instance::Instantiate { module_index, .. } if *module_index == index);
        if (0..).zip(&self.parts.instances).any(|(at, instance)| is_of(instance) && self.group.has(at)) {
            return Ok(());
        }
        let content = self.parts.modules.get(index as usize).copied().ok_or(Unfit::Unusual("a module is missing"))?;
        self.section(&RawSection { id: MODULE, data: content });
        self.places.modules.add(index);
        Ok(())
    }

    fn emit_merged(&mut self, merged: &Merged<'a>) -> Result<(), Unfit> {
        self.section(&ModuleSection(&merged.module));
        let module = self.places.modules.skip();
        let mut given = Vec::new();
        for (place, import) in merged.imports.iter().enumerate() {
            let index = match *import {
                Definition::Canon(index) => self.places.spaces[Space::Func as usize].get(index)?,
                Definition::Export { instance, name } => {
                    let instance = self.places.instances.get(instance)?;
                    self.take_export(Space::Func, instance, name)
                }
            };
            given.push((place.to_string(), ExportKind::Func, index));
        }
        let mut instances = InstanceSection::new();
        instances.export_items(given);
        let imports = self.places.instances.skip();
        instances.instantiate(module, [(IMPORTS, ModuleArg::Instance(imports))]);
        self.section(&instances);
        self.merged = Some(self.places.instances.skip());
        Ok(())
    }

    pub(super) fn section(&mut self, section: &impl ComponentSection) {
        self.component.section(section);
    }
}

impl Indices {
    /// What had the index `old` is next.
    fn add(&mut self, old: u32) {
        let old = old as usize;
        if self.places.len() <= old {
            self.places.resize(old + 1, None);
        }
        self.places[old] = Some(self.skip());
    }

    /// What had no index before is next.
    fn skip(&mut self) -> u32 {
        self.count += 1;
        self.count - 1
    }

    fn get(&self, old: u32) -> Result<u32, Unfit> {
        self.places.get(old as usize).copied().flatten().ok_or(Unfit::Missing)
    }
}

impl Reencode for Places {
    type Error = Unfit;

    fn function_index(&mut self, func: u32) -> Result<u32, Error<Unfit>> {
        self.spaces[Space::Func as usize].get(func).map_err(Error::UserError)
    }

    fn table_index(&mut self, table: u32) -> Result<u32, Error<Unfit>> {
        self.spaces[Space::Table as usize].get(table).map_err(Error::UserError)
    }

    fn memory_index(&mut self, memory: u32) -> Result<u32, Error<Unfit>> {
        self.spaces[Space::Memory as usize].get(memory).map_err(Error::UserError)
    }

    fn global_index(&mut self, global: u32) -> Result<u32, Error<Unfit>> {
        self.spaces[Space::Global as usize].get(global).map_err(Error::UserError)
    }
}

impl ReencodeComponent for Places {}
