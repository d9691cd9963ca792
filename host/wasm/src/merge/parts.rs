//! What a component is made of, as far as its modules are concerned.

use std::{borrow::Cow, ops::Range};

use wasm_encoder::ExportKind;
use wasmparser::{
    CanonicalFunction, Chunk, ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, ExternalKind, Instance, Operator, Parser, Payload,
};

use super::{Unfit, module::Module, rewind::changes_more};

/// A component in its order, and its index spaces of core definitions.
#[derive(Default)]
pub(super) struct Parts<'a> {
    pub(super) items: Vec<Item<'a>>,
    pub(super) modules: Vec<&'a [u8]>,
    pub(super) instances: Vec<Instance<'a>>,
    /// The components within, in their order.
    pub(super) nested: Vec<Nested>,
    /// How many types, functions and instances of components it has, by [`Kind`].
    pub(super) counts: [u32; 3],
    /// The instances of components within: which of them, and its index.
    pub(super) nested_instances: Vec<(u32, u32)>,
    /// Whether it makes handles of its own.
    pub(super) has_resources: bool,
    depth: u32,
    spaces: [Vec<Definition<'a>>; 4],
}

/// What became of a component within.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Nested {
    /// It is as it was; one that is inert has nothing that could change, and reaches nothing that has.
    Same { is_inert: bool },
    /// Its modules were merged, and it exports what sets it back, or not.
    Merged { rewinds: bool },
}

/// An index space of what components are made of, as far as it is counted.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Type,
    Func,
    Instance,
}

/// One definition.
pub(super) enum Item<'a> {
    /// A section that has nothing to do with modules.
    Whole { id: u8, content: Cow<'a, [u8]> },
    /// An alias of something else than a core definition.
    Alias(ComponentAlias<'a>),
    /// A core function as one of the component.
    Lift(CanonicalFunction),
    /// The module of this index.
    Module(u32),
    /// The instance of this index.
    Instance(u32),
    /// The export of an instance, as the definition of this index.
    Export { space: Space, index: u32 },
    /// What the host gives, as the core function of this index.
    Canon { index: u32, function: CanonicalFunction },
}

/// Where a core definition is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Definition<'a> {
    /// The export of an instance.
    Export { instance: u32, name: &'a str },
    /// The host: a core function of this index.
    Canon(u32),
}

/// An index space of core definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Space {
    Func,
    Table,
    Memory,
    Global,
}

impl<'a> Parts<'a> {
    /// Reads a component that is in `depth` others.
    pub(super) fn read(component: &'a [u8], depth: u32) -> Result<Self, Unfit> {
        let mut parts = Self { depth, ..Self::default() };
        let mut parser = Parser::new(0);
        let mut place = 0;
        loop {
            let rest = part(component, place..component.len())?;
            let Chunk::Parsed { consumed, payload } = parser.parse(rest, true)? else {
                return Err(ends_too_early());
            };
            place += consumed;
            // What is within is not read here.
            if let Payload::ModuleSection { unchecked_range, .. } | Payload::ComponentSection { unchecked_range, .. } =
                &payload
            {
                place = unchecked_range.end;
            }
            if matches!(payload, Payload::End(_)) {
                return Ok(parts);
            }
            parts.take(component, payload)?;
        }
    }

    /// Where the definition of this index is from, at last: the export of an instance of a module, or the host.
    pub(super) fn source(&self, space: Space, index: u32) -> Result<Definition<'a>, Unfit> {
        match self.definition(space, index)? {
            Definition::Export { instance, name } => self.export(space, instance, name),
            canon @ Definition::Canon(_) => Ok(canon),
        }
    }

    /// Where the export of an instance is from, likewise.
    pub(super) fn export(&self, space: Space, instance: u32, name: &'a str) -> Result<Definition<'a>, Unfit> {
        match self.instance(instance)? {
            Instance::Instantiate { .. } => Ok(Definition::Export { instance, name }),
            Instance::FromExports(exports) => {
                let fits = |kind: ExternalKind| Space::of(kind) == Some(space);
                let export = exports.iter().find(|export| export.name == name && fits(export.kind));
                let export = export.ok_or(Unfit::Unusual("an instance lacks what is wanted of it"))?;
                // An instance of exports has those of definitions before it alone, so this comes to an end.
                self.source(space, export.index)
            }
        }
    }

    pub(super) fn definition(&self, space: Space, index: u32) -> Result<Definition<'a>, Unfit> {
        let found = self.spaces[space as usize].get(index as usize).copied();
        found.ok_or(Unfit::Unusual("it names a definition that there is not"))
    }

    pub(super) fn instance(&self, index: u32) -> Result<&Instance<'a>, Unfit> {
        self.instances.get(index as usize).ok_or(Unfit::Unusual("it names an instance that there is not"))
    }

    pub(super) fn module(&self, index: u32) -> Result<Module<'a>, Unfit> {
        let module = self.modules.get(index as usize);
        Module::read(module.ok_or(Unfit::Unusual("it names a module that there is not"))?)
    }

    fn take(&mut self, component: &'a [u8], payload: Payload<'a>) -> Result<(), Unfit> {
        match payload {
            Payload::Version { .. } | Payload::CustomSection(_) => return Ok(()),
            Payload::ModuleSection { unchecked_range, .. } => {
                self.items.push(Item::Module(count(&self.modules)));
                self.modules.push(part(component, unchecked_range)?);
                return Ok(());
            }
            Payload::ComponentSection { unchecked_range, .. } => {
                let first = unchecked_range.start;
                let content = part(component, unchecked_range)?;
                takes_no_module(content, first)?;
                let (nested, content) = match super::merged_within(content, self.depth + 1) {
                    Ok(merged) => (Nested::Merged { rewinds: merged.rewinds }, Cow::Owned(merged.bytes)),
                    Err(_) => (Nested::Same { is_inert: is_inert(content, first)? }, Cow::Borrowed(content)),
                };
                self.nested.push(nested);
                self.items.push(Item::Whole { id: NESTED, content });
                return Ok(());
            }
            Payload::InstanceSection(section) => {
                for instance in section {
                    self.items.push(Item::Instance(count(&self.instances)));
                    self.instances.push(instance?);
                }
                return Ok(());
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    self.take_alias(alias?)?;
                }
                return Ok(());
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    self.take_canon(function?)?;
                }
                return Ok(());
            }
            Payload::ComponentTypeSection(ref section) => self.counts[Kind::Type as usize] += section.count(),
            Payload::ComponentImportSection(ref section) => {
                for import in section.clone() {
                    match import?.ty {
                        ComponentTypeRef::Module(_) => return Err(MODULES),
                        ComponentTypeRef::Component(_) => return Err(COMPONENTS),
                        ty => self.count(ty.kind()),
                    }
                }
            }
            Payload::ComponentExportSection(ref section) => {
                for export in section.clone() {
                    match export?.kind {
                        ComponentExternalKind::Module => return Err(MODULES),
                        kind => self.count(kind),
                    }
                }
            }
            Payload::ComponentInstanceSection(ref section) => {
                for instance in section.clone() {
                    self.take_component_instance(&instance?)?;
                }
            }
            _ => {}
        }
        let (id, range) = payload.as_section().ok_or(Unfit::Unusual("it has a section that is not known"))?;
        self.items.push(Item::Whole { id, content: Cow::Borrowed(part(component, range)?) });
        Ok(())
    }

    fn take_component_instance(&mut self, instance: &ComponentInstance<'a>) -> Result<(), Unfit> {
        match instance {
            ComponentInstance::Instantiate { component_index, args } => {
                if args.iter().any(|argument| argument.kind == ComponentExternalKind::Module) {
                    return Err(MODULES);
                }
                self.nested_instances.push((*component_index, self.counts[Kind::Instance as usize]));
            }
            ComponentInstance::FromExports(exports) => {
                if exports.iter().any(|export| export.kind == ComponentExternalKind::Module) {
                    return Err(MODULES);
                }
            }
        }
        self.count(ComponentExternalKind::Instance);
        Ok(())
    }

    /// One more of these.
    fn count(&mut self, kind: ComponentExternalKind) {
        let kind = match kind {
            ComponentExternalKind::Type => Kind::Type,
            ComponentExternalKind::Func => Kind::Func,
            ComponentExternalKind::Instance => Kind::Instance,
            ComponentExternalKind::Module | ComponentExternalKind::Component | ComponentExternalKind::Value => return,
        };
        self.counts[kind as usize] += 1;
    }

    fn take_alias(&mut self, alias: ComponentAlias<'a>) -> Result<(), Unfit> {
        match alias {
            ComponentAlias::CoreInstanceExport { kind, instance_index, name } => {
                let space = Space::of(kind).ok_or(Unfit::Unusual("it has an alias of a tag"))?;
                let index = self.define(space, Definition::Export { instance: instance_index, name });
                self.items.push(Item::Export { space, index });
            }
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Module, .. }
            | ComponentAlias::Outer { kind: ComponentOuterAliasKind::CoreModule, .. } => {
                return Err(Unfit::Unusual("it has an alias of a module"));
            }
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. }
            | ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, .. } => return Err(COMPONENTS),
            alias => {
                self.count(match alias {
                    ComponentAlias::InstanceExport { kind, .. } => kind,
                    ComponentAlias::Outer { kind: ComponentOuterAliasKind::Type, .. } => ComponentExternalKind::Type,
                    _ => ComponentExternalKind::Value,
                });
                self.items.push(Item::Alias(alias));
            }
        }
        Ok(())
    }

    fn take_canon(&mut self, function: CanonicalFunction) -> Result<(), Unfit> {
        use CanonicalFunction::{Lift, Lower, ResourceDrop, ResourceNew, ResourceRep};
        match function {
            Lift { .. } => {
                self.count(ComponentExternalKind::Func);
                self.items.push(Item::Lift(function));
            }
            Lower { .. } | ResourceDrop { .. } | ResourceNew { .. } | ResourceRep { .. } => {
                self.has_resources |= matches!(function, ResourceNew { .. });
                let index = count(&self.spaces[Space::Func as usize]);
                self.define(Space::Func, Definition::Canon(index));
                self.items.push(Item::Canon { index, function });
            }
            _ => return Err(Unfit::Unusual("it is asynchronous")),
        }
        Ok(())
    }

    fn define(&mut self, space: Space, definition: Definition<'a>) -> u32 {
        let space = &mut self.spaces[space as usize];
        space.push(definition);
        count(space) - 1
    }
}

impl Space {
    pub(super) fn kind(self) -> ExportKind {
        match self {
            Self::Func => ExportKind::Func,
            Self::Table => ExportKind::Table,
            Self::Memory => ExportKind::Memory,
            Self::Global => ExportKind::Global,
        }
    }

    pub(super) fn of(kind: ExternalKind) -> Option<Self> {
        match kind {
            ExternalKind::Func | ExternalKind::FuncExact => Some(Self::Func),
            ExternalKind::Table => Some(Self::Table),
            ExternalKind::Memory => Some(Self::Memory),
            ExternalKind::Global => Some(Self::Global),
            ExternalKind::Tag => None,
        }
    }
}

/// The section of a component within a component.
const NESTED: u8 = 4;

const MODULES: Unfit = Unfit::Unusual("it hands modules on");
const COMPONENTS: Unfit = Unfit::Unusual("it hands components on");

/// As an index. A component has no more than fit into it.
pub(super) fn count<T>(all: &[T]) -> u32 {
    u32::try_from(all.len()).unwrap_or(u32::MAX)
}

fn part(component: &[u8], range: Range<usize>) -> Result<&[u8], Unfit> {
    component.get(range).ok_or_else(ends_too_early)
}

fn ends_too_early() -> Unfit {
    Unfit::Unreadable("it ends too early".into())
}

/// A component within may name modules of the one around it, whose numbers change.
fn takes_no_module(within: &[u8], first: usize) -> Result<(), Unfit> {
    for payload in Parser::new(first as u64).parse_all(within) {
        let Payload::ComponentAliasSection(section) = payload? else { continue };
        for alias in section {
            if matches!(alias?, ComponentAlias::Outer { kind: ComponentOuterAliasKind::CoreModule, .. }) {
                return Err(Unfit::Unusual("a component within it takes one of its modules"));
            }
        }
    }
    Ok(())
}

/// Whether nothing in a component within can change: it has no modules, or they have no state and call nobody. Tools
/// put such stubs in the place of what is there only while they make a component.
fn is_inert(within: &[u8], first: usize) -> Result<bool, Unfit> {
    let (mut has_modules, mut is_inert, mut depth) = (false, true, 0_usize);
    for payload in Parser::new(first as u64).parse_all(within) {
        match payload? {
            Payload::ModuleSection { .. } => (has_modules, depth) = (true, depth + 1),
            Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    is_inert &= matches!(import?.ty, ComponentTypeRef::Type(_));
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    is_inert &= matches!(function?, CanonicalFunction::Lift { .. } | CanonicalFunction::Lower { .. });
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    is_inert &= memory?.initial == 0;
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    is_inert &= !global?.ty.mutable;
                }
            }
            Payload::CodeSectionEntry(body) => {
                let mut operators = body.get_operators_reader()?;
                while is_inert && !operators.eof() {
                    let operator = operators.read()?;
                    is_inert = !changes_more(&operator) && !matches!(operator, Operator::MemoryGrow { .. });
                }
            }
            _ => {}
        }
    }
    Ok(is_inert || !has_modules)
}
