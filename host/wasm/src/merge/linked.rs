//! Modules that share a memory, as one module.

use std::collections::{HashMap, HashSet};

use wasm_encoder::{
    CodeSection, DataCountSection, DataSection, ElementSection, EntityType, ExportSection, Function, FunctionSection,
    GlobalSection, ImportSection, MemorySection, StartSection, TableSection,
    reencode::{Reencode, utils},
};
use wasmparser::{Data, DataKind, Element, ElementKind, FuncType, Global, GlobalType, Operator, TypeRef};

use super::{
    Unfit,
    group::{Group, export_of, import_source},
    map::{Constant, Map},
    module::Module,
    parts::{Definition, Parts, Space, count},
    rewind::Initial,
    types::Types,
};

/// The module that they became.
#[derive(Default)]
pub(super) struct Merged<'a> {
    pub(super) module: wasm_encoder::Module,
    /// What it imports, under [`IMPORTS`] and its place here.
    pub(super) imports: Vec<Definition<'a>>,
    /// Whether something runs as it is made.
    pub(super) starts: bool,
    /// Whether it exports what sets it back ([`super::rewind`]).
    pub(super) rewinds: bool,
}

/// The name of the one instance that it imports from.
pub(super) const IMPORTS: &str = "host";

/// What an export of an instance is called afterwards.
pub(super) fn exported(instance: u32, name: &str) -> String {
    format!("{instance} {name}")
}

impl<'a> Group<'a> {
    /// One module, which exports these exports of the instances, and what sets it back where that `may` be.
    pub(super) fn merge(
        &self,
        parts: &Parts<'a>,
        exports: &[(u32, Space, &'a str)],
        may_rewind: bool,
    ) -> Result<Merged<'a>, Unfit> {
        let mut merging = Merging::new(parts, self);
        merging.initial = Initial::new(may_rewind);
        merging.resolve()?;
        merging.leave_out(exports)?;
        for (instance, module) in &self.members {
            merging.add(*instance, module)?;
        }
        merging.add_functions()?;
        for (instance, space, name) in exports {
            let index = merging.exported(*space, *instance, name)?;
            merging.exports.export(&exported(*instance, name), space.kind(), index);
        }
        merging.finish()
    }
}

/// The module as far as it is written.
pub(super) struct Merging<'g, 'a> {
    parts: &'g Parts<'a>,
    group: &'g Group<'a>,
    /// What each member's indices became, by the member.
    pub(super) maps: HashMap<u32, Map>,
    pub(super) outside: Vec<Definition<'a>>,
    /// The values of globals that never change, by their index.
    constants: HashMap<u32, Constant>,
    /// The globals that somebody sets, by their index.
    pub(super) changing: HashSet<u32>,
    pub(super) starts: Vec<u32>,
    pub(super) initial: Initial<'a>,
    pub(super) types: Types,
    imports: ImportSection,
    pub(super) functions: FunctionSection,
    tables: TableSection,
    pub(super) memories: MemorySection,
    pub(super) globals: GlobalSection,
    pub(super) exports: ExportSection,
    elements: ElementSection,
    data: DataSection,
    pub(super) code: CodeSection,
}

impl<'g, 'a> Merging<'g, 'a> {
    fn new(parts: &'g Parts<'a>, group: &'g Group<'a>) -> Self {
        Self {
            parts,
            group,
            maps: HashMap::new(),
            outside: Vec::new(),
            constants: HashMap::new(),
            changing: HashSet::new(),
            starts: Vec::new(),
            initial: Initial::default(),
            types: Types::default(),
            imports: ImportSection::new(),
            functions: FunctionSection::new(),
            tables: TableSection::new(),
            memories: MemorySection::new(),
            globals: GlobalSection::new(),
            exports: ExportSection::new(),
            elements: ElementSection::new(),
            data: DataSection::new(),
            code: CodeSection::new(),
        }
    }

    /// The modules, each with what becomes of its indices.
    pub(super) fn members(&self) -> impl Iterator<Item = (&Module<'a>, &Map)> {
        self.group.members.iter().filter_map(|(index, module)| Some((module, self.maps.get(index)?)))
    }

    /// Finds out what all indices become. Imports come first in the index space of functions, so all of them have to be
    /// known before any function is.
    fn resolve(&mut self) -> Result<(), Unfit> {
        let (mut elements, mut data) = (0, 0);
        for (index, module) in &self.group.members {
            let mut map = Map { elements, data, ..Map::default() };
            self.types.add(module, &mut map)?;
            for import in module.imports(Space::Func) {
                let TypeRef::Func(ty) = import.ty else { continue };
                let source = self.origin(Space::Func, import_source(self.parts, *index, Space::Func, import)?)?;
                let is_within = matches!(source, Definition::Export { instance, .. } if self.group.has(instance));
                if !is_within && !self.outside.contains(&source) {
                    self.imports.import(IMPORTS, &count(&self.outside).to_string(), EntityType::Function(map.ty(ty)?));
                    self.outside.push(source);
                }
            }
            elements += count(&module.elements);
            data += count(&module.data);
            self.maps.insert(*index, map);
        }
        let mut next = [count(&self.outside), 0, 0, 0];
        for (index, module) in &self.group.members {
            for space in [Space::Func, Space::Table, Space::Memory, Space::Global] {
                let mut map = Vec::new();
                for import in module.imports(space) {
                    map.push(Some(self.index_of(space, import_source(self.parts, *index, space, import)?)?));
                }
                let (first, defined) = (next[space as usize], module.defined(space));
                map.extend((first..first + defined).map(Some));
                next[space as usize] += defined;
                self.maps.entry(*index).or_default().spaces[space as usize] = map;
            }
        }
        if next[Space::Memory as usize] != 1 {
            return Err(Unfit::Unusual("its modules have several memories"));
        }
        Ok(())
    }

    /// Where it is from at last: what a member exports may be what it imports.
    fn origin(&self, space: Space, mut source: Definition<'a>) -> Result<Definition<'a>, Unfit> {
        while let Definition::Export { instance, name } = source
            && let Some(module) = self.group.members.get(&instance)
            && let Some(import) = module.imports(space).nth(export_of(module, space, name)? as usize)
        {
            source = import_source(self.parts, instance, space, import)?;
        }
        Ok(source)
    }

    /// Its index in the merged module.
    fn index_of(&self, space: Space, source: Definition<'a>) -> Result<u32, Unfit> {
        if let Definition::Export { instance, name } = source
            && self.group.has(instance)
        {
            return self.exported(space, instance, name);
        }
        let place = self.outside.iter().position(|known| *known == source).filter(|_| space == Space::Func);
        let place = place.ok_or(Unfit::Unusual("its modules share something that is not theirs"))?;
        u32::try_from(place).map_err(|_| Unfit::Unusual("it has too many imports"))
    }

    /// The index in the merged module of what a member exports.
    pub(super) fn exported(&self, space: Space, instance: u32, name: &str) -> Result<u32, Unfit> {
        // Whoever comes later has no indices yet, and is no member that this one could import from.
        let known = self.group.members.get(&instance).zip(self.maps.get(&instance));
        let (module, map) = known.ok_or(Unfit::Unusual("a module imports of one that comes later"))?;
        map.get(space, export_of(module, space, name)?)
    }

    fn add(&mut self, instance: u32, module: &Module<'a>) -> Result<(), Unfit> {
        let mut map = self.maps.get(&instance).cloned().unwrap_or_default();
        let is_filled = !module.data.is_empty() || !module.elements.is_empty();
        if is_filled && !self.starts.is_empty() {
            return Err(Unfit::Unusual("a module is filled after another one has started"));
        }
        for table in &module.tables {
            map.parse_table(&mut self.tables, table.clone())?;
        }
        for memory in &module.memories {
            self.initial.note_memory(memory);
            self.memories.memory(map.memory_type(*memory)?);
        }
        for (global, index) in module.globals.iter().zip(module.imported(Space::Global)..) {
            if let Some(index) = map.find(Space::Global, index) {
                self.add_global(&mut map, index, global)?;
            }
        }
        for element in &module.elements {
            self.add_element(&mut map, element)?;
        }
        for data in &module.data {
            self.add_data(&mut map, data)?;
        }
        if let Some(start) = module.start {
            self.starts.push(map.function_index(start)?);
        }
        Ok(())
    }

    fn add_global(&mut self, map: &mut Map, index: u32, global: &Global<'a>) -> Result<(), Unfit> {
        let value = self.constant(map, &global.init_expr)?;
        let ty = GlobalType { mutable: global.ty.mutable && self.changing.contains(&index), ..global.ty };
        if ty.mutable {
            self.initial.note_global(index, value, &global.init_expr)?;
        } else if let Some(constant) = value {
            self.constants.insert(index, constant);
        }
        let init = match value {
            Some(constant) => constant.expression(),
            None => map.const_expr(global.init_expr.clone())?,
        };
        self.globals.global(map.global_type(ty)?, &init);
        Ok(())
    }

    /// The functions of all members, in the order that they have now.
    fn add_functions(&mut self) -> Result<(), Unfit> {
        let mut functions = Vec::new();
        for (instance, module) in &self.group.members {
            let Some(map) = self.maps.get(instance) else { continue };
            let indices = module.imported(Space::Func)..;
            for ((ty, body), index) in module.functions.iter().zip(&module.bodies).zip(indices) {
                functions.extend(map.find(Space::Func, index).map(|index| (index, *instance, *ty, body)));
            }
        }
        functions.sort_unstable_by_key(|(index, ..)| *index);
        let mut maps = self.maps.clone();
        for (_, instance, ty, body) in functions {
            let map = maps.entry(instance).or_default();
            self.functions.function(map.ty(ty)?);
            self.initial.note_body(body)?;
            map.parse_function_body(&mut self.code, body.clone())?;
        }
        Ok(())
    }

    fn add_element(&mut self, map: &mut Map, element: &Element<'a>) -> Result<(), Unfit> {
        let ElementKind::Active { table_index, offset_expr } = &element.kind else {
            return Ok(map.parse_element(&mut self.elements, element.clone())?);
        };
        let offset = self.place(map, offset_expr)?.expression();
        let items = utils::element_items(map, element.items.clone())?;
        let table = map.table_index(table_index.unwrap_or(0))?;
        self.elements.active((table > 0).then_some(table), &offset, items);
        Ok(())
    }

    fn add_data(&mut self, map: &mut Map, data: &Data<'a>) -> Result<(), Unfit> {
        match &data.kind {
            DataKind::Active { memory_index, offset_expr } => {
                let place = self.place(map, offset_expr)?;
                self.initial.note_data(place, data.data);
                self.data.active(map.memory_index(*memory_index)?, &place.expression(), data.data.iter().copied());
            }
            DataKind::Passive => {
                self.data.passive(data.data.iter().copied());
            }
        }
        Ok(())
    }

    /// Where a segment goes, which has to be known: that is the point of it all.
    fn place(&self, map: &Map, expression: &wasmparser::ConstExpr<'_>) -> Result<Constant, Unfit> {
        self.constant(map, expression)?.ok_or(Unfit::Unusual("a segment goes where nobody knows"))
    }

    /// The value of an expression that adds up numbers and globals that never change; `None` for anything else. A global
    /// that does change, or is not known, is nothing that another module's could begin with.
    fn constant(&self, map: &Map, expression: &wasmparser::ConstExpr<'_>) -> Result<Option<Constant>, Unfit> {
        let mut stack = Vec::new();
        for operator in expression.get_operators_reader() {
            let value = match operator? {
                Operator::End => continue,
                Operator::I32Const { value } => Constant::I32(value),
                Operator::I64Const { value } => Constant::I64(value),
                Operator::GlobalGet { global_index } => {
                    let known = self.constants.get(&map.get(Space::Global, global_index)?);
                    *known.ok_or(Unfit::Unusual("a value is that of a global that is not known"))?
                }
                Operator::I32Add | Operator::I64Add => match (stack.pop(), stack.pop()) {
                    (Some(Constant::I32(b)), Some(Constant::I32(a))) => Constant::I32(a.wrapping_add(b)),
                    (Some(Constant::I64(b)), Some(Constant::I64(a))) => Constant::I64(a.wrapping_add(b)),
                    _ => return Ok(None),
                },
                _ => return Ok(None),
            };
            stack.push(value);
        }
        Ok(stack.pop().filter(|_| stack.is_empty()))
    }

    fn finish(mut self) -> Result<Merged<'a>, Unfit> {
        let start = match *self.starts {
            [] => None,
            [start] => Some(start),
            // They start in the order in which they were made.
            ref starts => {
                let ty = self.types.function(&FuncType::new([], []))?;
                let mut all = Function::new([]);
                for start in starts {
                    all.instructions().call(*start);
                }
                all.instructions().end();
                let index = count(&self.outside) + self.functions.len();
                self.functions.function(ty);
                self.code.function(&all);
                Some(index)
            }
        };
        let rewinds = self.add_rewinding()?;
        let mut module = wasm_encoder::Module::new();
        module.section(self.types.section()).section(&self.imports).section(&self.functions).section(&self.tables);
        module.section(&self.memories).section(&self.globals).section(&self.exports);
        if let Some(function_index) = start {
            module.section(&StartSection { function_index });
        }
        module.section(&self.elements).section(&DataCountSection { count: self.data.len() });
        module.section(&self.code).section(&self.data);
        Ok(Merged { module, imports: self.outside, starts: start.is_some(), rewinds })
    }
}
