//! What is wanted of a component once some of its modules are one.

use std::collections::{BTreeSet, HashMap, HashSet};

use wasmparser::{CanonicalFunction, CanonicalOption, Instance};

use super::{
    Unfit,
    group::Group,
    parts::{Definition, Item, Parts, Space},
};

/// What has to be there afterwards. What only handed something from one module to another has not.
pub(super) struct Wanted<'p, 'a> {
    parts: &'p Parts<'a>,
    group: &'p Group<'a>,
    canons: HashMap<u32, &'p CanonicalFunction>,
    pub(super) definitions: HashSet<(Space, u32)>,
    pub(super) instances: HashSet<u32>,
    /// Exports of what is merged, by the instance that had them.
    pub(super) exports: BTreeSet<(u32, Space, &'a str)>,
}

impl<'p, 'a> Wanted<'p, 'a> {
    pub(super) fn new(parts: &'p Parts<'a>, group: &'p Group<'a>) -> Self {
        let canon = |item: &'p Item<'a>| match item {
            Item::Canon { index, function } => Some((*index, function)),
            _ => None,
        };
        let canons = parts.items.iter().filter_map(canon).collect();
        let (definitions, instances, exports) = Default::default();
        Self { parts, group, canons, definitions, instances, exports }
    }

    /// Finds all of it, from what the component itself is and from what runs as it is made.
    pub(super) fn find(&mut self) -> Result<(), Unfit> {
        for item in &self.parts.items {
            match item {
                Item::Lift(function) => self.function(function)?,
                // It may do something as it is made.
                Item::Instance(index) if self.is_other_module(*index)? => self.instance(*index)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn is_other_module(&self, instance: u32) -> Result<bool, Unfit> {
        let is_module = matches!(self.parts.instance(instance)?, Instance::Instantiate { .. });
        Ok(is_module && !self.group.has(instance))
    }

    fn index(&mut self, space: Space, index: u32) -> Result<(), Unfit> {
        if !self.definitions.insert((space, index)) {
            return Ok(());
        }
        match self.parts.definition(space, index)? {
            Definition::Canon(index) => {
                let function = self.canons.get(&index).copied();
                function.map_or(Ok(()), |function| self.function(function))
            }
            Definition::Export { instance, name } if self.group.has(instance) => {
                self.exports.insert((instance, space, name));
                Ok(())
            }
            Definition::Export { instance, .. } => self.instance(instance),
        }
    }

    /// A definition that has been followed to where it is from.
    pub(super) fn definition(&mut self, space: Space, definition: Definition<'a>) -> Result<(), Unfit> {
        match definition {
            Definition::Canon(index) => self.index(space, index),
            Definition::Export { instance, .. } => self.instance(instance),
        }
    }

    fn instance(&mut self, instance: u32) -> Result<(), Unfit> {
        if !self.instances.insert(instance) {
            return Ok(());
        }
        match self.parts.instance(instance)?.clone() {
            Instance::Instantiate { module_index, args } => args.iter().try_for_each(|given| {
                if !self.group.has(given.index) {
                    return self.instance(given.index);
                }
                let module = self.parts.module(module_index)?;
                self.exports.extend(module.imports_of(given.name).map(|(space, name)| (given.index, space, name)));
                Ok(())
            }),
            Instance::FromExports(exports) => exports.iter().try_for_each(|export| {
                let space = Space::of(export.kind).ok_or(Unfit::Unusual("an instance has tags"))?;
                self.index(space, export.index)
            }),
        }
    }

    fn function(&mut self, function: &CanonicalFunction) -> Result<(), Unfit> {
        let options = match function {
            CanonicalFunction::Lift { core_func_index, options, .. } => {
                self.index(Space::Func, *core_func_index)?;
                options
            }
            CanonicalFunction::Lower { options, .. } => options,
            _ => return Ok(()),
        };
        options.iter().try_for_each(|option| match option {
            CanonicalOption::Memory(index) => self.index(Space::Memory, *index),
            CanonicalOption::Realloc(index) | CanonicalOption::PostReturn(index) | CanonicalOption::Callback(index) => {
                self.index(Space::Func, *index)
            }
            _ => Ok(()),
        })
    }
}
