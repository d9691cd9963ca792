//! The modules that share a memory, which are to be one.

use std::collections::BTreeMap;

use wasmparser::Instance;

use super::{
    Unfit,
    module::Module,
    parts::{Definition, Parts, Space},
};

/// Instances whose modules become one.
#[derive(Default)]
pub(super) struct Group<'a> {
    /// By the index of the instance, which is the order in which they are made.
    pub(super) members: BTreeMap<u32, Module<'a>>,
}

/// What they hand to each other is followed from one to the next: tools make less than a hundred.
const MAX_INSTANCES: usize = 500;

/// The instances that share a memory: the largest such group of the component, or the one that has a memory for itself.
pub(super) fn group<'a>(parts: &Parts<'a>) -> Result<Group<'a>, Unfit> {
    if parts.instances.len() > MAX_INSTANCES {
        return Err(Unfit::Unusual("it has very many instances"));
    }
    let mut members = BTreeMap::new();
    let mut used = vec![0_u32; parts.modules.len()];
    for (index, instance) in (0..).zip(&parts.instances) {
        let Instance::Instantiate { module_index, .. } = instance else { continue };
        members.insert(index, parts.module(*module_index)?);
        used[*module_index as usize] += 1;
    }
    if used.iter().any(|used| *used > 1) {
        return Err(Unfit::Unusual("it has two instances of a module"));
    }
    // By the instance that has the memory, those that use it.
    let mut sharing: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (index, module) in &members {
        for import in module.imports(Space::Memory) {
            if let Definition::Export { instance, .. } = import_source(parts, *index, Space::Memory, import)? {
                sharing.entry(instance).or_default().push(*index);
            }
        }
    }
    let shared = sharing.into_iter().max_by_key(|(_, sharing)| sharing.len());
    let alone =
        || members.iter().find(|(_, module)| !module.memories.is_empty()).map(|(index, _)| (*index, Vec::new()));
    let (owner, mut sharing) = shared.or_else(alone).ok_or(Unfit::Nothing)?;
    sharing.push(owner);
    // Whoever fills the table of theirs belongs to them, and nobody who fills somebody else's too.
    for (index, module) in &members {
        let (mut of_theirs, mut of_others) = (false, false);
        for space in [Space::Table, Space::Memory, Space::Global] {
            for import in module.imports(space) {
                let source = import_source(parts, *index, space, import)?;
                let is_theirs = matches!(source, Definition::Export { instance, .. } if sharing.contains(&instance));
                (of_theirs, of_others) = (of_theirs || is_theirs, of_others || !is_theirs);
            }
        }
        match (of_theirs, of_others) {
            (true, false) => sharing.push(*index),
            (_, true) => sharing.retain(|member| member != index),
            (false, false) => {}
        }
    }
    members.retain(|index, _| sharing.contains(index));
    Ok(Group { members })
}

/// Where an import of the module of `instance` is from.
pub(super) fn import_source<'a>(
    parts: &Parts<'a>,
    instance: u32,
    space: Space,
    import: &wasmparser::Import<'a>,
) -> Result<Definition<'a>, Unfit> {
    let Instance::Instantiate { args, .. } = parts.instance(instance)? else {
        return Err(Unfit::Unusual("it has no module where one is expected"));
    };
    let given = args.iter().find(|given| given.name == import.module);
    let given = given.ok_or(Unfit::Unusual("a module is not given what it imports"))?;
    parts.export(space, given.index, import.name)
}

/// The index of what a module exports under this name.
pub(super) fn export_of(module: &Module<'_>, space: Space, name: &str) -> Result<u32, Unfit> {
    let export = module.exports.get(name).filter(|(found, _)| *found == space);
    export.map(|(_, index)| *index).ok_or(Unfit::Unusual("a module lacks what is wanted of it"))
}

// === impl Group ===

impl<'a> Group<'a> {
    pub(super) fn has(&self, instance: u32) -> bool {
        self.members.contains_key(&instance)
    }

    /// The instance that is made last.
    pub(super) fn last(&self) -> Option<u32> {
        self.members.keys().next_back().copied()
    }

    /// Whether there is but one, which needs no merging.
    pub(super) fn is_alone(&self) -> bool {
        self.members.len() < 2
    }
}
