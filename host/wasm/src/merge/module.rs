//! A module, taken apart.

use std::collections::HashMap;

use wasmparser::{
    Data, Element, Export, ExternalKind, FunctionBody, Global, Import, MemoryType, Parser, Payload, RecGroup, Table,
    TypeRef,
};

use super::{
    Unfit,
    parts::{Space, count},
};

/// Each of them is looked for in lists, which is meant for some hundred.
const MAX_IMPORTS: usize = 5000;

/// The sections of a module. What only tools read is left out.
#[derive(Default)]
pub(super) struct Module<'a> {
    pub(super) types: Vec<RecGroup>,
    pub(super) imports: Vec<Import<'a>>,
    /// The types of the functions that it defines.
    pub(super) functions: Vec<u32>,
    pub(super) tables: Vec<Table<'a>>,
    pub(super) memories: Vec<MemoryType>,
    pub(super) globals: Vec<Global<'a>>,
    pub(super) exports: HashMap<&'a str, (Space, u32)>,
    pub(super) start: Option<u32>,
    pub(super) elements: Vec<Element<'a>>,
    pub(super) data: Vec<Data<'a>>,
    pub(super) bodies: Vec<FunctionBody<'a>>,
}

impl<'a> Module<'a> {
    pub(super) fn read(module: &'a [u8]) -> Result<Self, Unfit> {
        let mut read = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            read.take(payload?)?;
        }
        Ok(read)
    }

    /// What it imports of what it is given under this name.
    pub(super) fn imports_of(&self, given: &str) -> impl Iterator<Item = (Space, &'a str)> {
        let of_it = self.imports.iter().filter(move |import| import.module == given);
        of_it.filter_map(|import| Some((space_of(import.ty)?, import.name)))
    }

    /// What it imports into this space, in the order of their indices.
    pub(super) fn imports(&self, space: Space) -> impl Iterator<Item = &Import<'a>> {
        self.imports.iter().filter(move |import| space_of(import.ty) == Some(space))
    }

    pub(super) fn imported(&self, space: Space) -> u32 {
        u32::try_from(self.imports(space).count()).unwrap_or(u32::MAX)
    }

    pub(super) fn defined(&self, space: Space) -> u32 {
        match space {
            Space::Func => count(&self.functions),
            Space::Table => count(&self.tables),
            Space::Memory => count(&self.memories),
            Space::Global => count(&self.globals),
        }
    }

    fn take(&mut self, payload: Payload<'a>) -> Result<(), Unfit> {
        match payload {
            Payload::TypeSection(section) => self.types = section.into_iter().collect::<Result<_, _>>()?,
            Payload::ImportSection(section) => {
                self.imports = section.into_imports().collect::<Result<_, _>>()?;
                if self.imports.len() > MAX_IMPORTS {
                    return Err(Unfit::Unusual("a module has very many imports"));
                }
                if self.imports.iter().any(|import| space_of(import.ty).is_none()) {
                    return Err(Unfit::Unusual("a module imports a tag"));
                }
            }
            Payload::FunctionSection(section) => self.functions = section.into_iter().collect::<Result<_, _>>()?,
            Payload::TableSection(section) => self.tables = section.into_iter().collect::<Result<_, _>>()?,
            Payload::MemorySection(section) => self.memories = section.into_iter().collect::<Result<_, _>>()?,
            Payload::GlobalSection(section) => self.globals = section.into_iter().collect::<Result<_, _>>()?,
            Payload::ExportSection(section) => {
                for export in section {
                    let Export { name, kind, index } = export?;
                    let space = Space::of(kind).filter(|_| kind != ExternalKind::FuncExact);
                    self.exports.insert(name, (space.ok_or(Unfit::Unusual("a module exports a tag"))?, index));
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::ElementSection(section) => self.elements = section.into_iter().collect::<Result<_, _>>()?,
            Payload::DataSection(section) => self.data = section.into_iter().collect::<Result<_, _>>()?,
            Payload::CodeSectionEntry(body) => self.bodies.push(body),
            Payload::Version { .. }
            | Payload::CustomSection(_)
            | Payload::DataCountSection { .. }
            | Payload::CodeSectionStart { .. }
            | Payload::End(_) => {}
            _ => return Err(Unfit::Unusual("a module has a section that is not known")),
        }
        Ok(())
    }
}

fn space_of(ty: TypeRef) -> Option<Space> {
    match ty {
        TypeRef::Func(_) => Some(Space::Func),
        TypeRef::Table(_) => Some(Space::Table),
        TypeRef::Memory(_) => Some(Space::Memory),
        TypeRef::Global(_) => Some(Space::Global),
        TypeRef::Tag(_) | TypeRef::FuncExact(_) => None,
    }
}
