//! Which functions and globals anything leads to. What was linked is whole libraries, of which a program uses a part: the
//! rest would be compiled, kept, and looked at by every load.

use std::collections::{BTreeSet, HashMap};

use wasmparser::{ConstExpr, DataKind, Element, ElementItems, ElementKind, FunctionBody, Operator, TableInit};

use super::{
    Unfit,
    linked::Merging,
    map::Map,
    module::Module,
    parts::{Space, count},
};

/// What the members define, one member's after the other's, by its place among them.
struct Live<'m, 'a> {
    functions: Vec<(&'m Map, &'m FunctionBody<'a>)>,
    is_live: Vec<bool>,
    /// Those that something other than a call leads to: a table, a reference, an export.
    is_referred_to: Vec<bool>,
    /// Those whose bodies have not been looked at.
    waiting: Vec<usize>,
    /// Where they begin: before them are those of the host, which stay.
    first: u32,
    /// The globals that are read or set.
    globals: BTreeSet<u32>,
    /// Those that are set, here or by whoever takes them from here.
    changing: BTreeSet<u32>,
}

impl<'a> Merging<'_, 'a> {
    /// Leaves out what is never used; what is left moves together, with the functions first that are referred to, since the
    /// engine has a list of these that is as long as the index of the last one. Were something left out that is wanted all
    /// the same, it would have no index, and the modules stay apart.
    pub(super) fn leave_out(&mut self, exports: &[(u32, Space, &'a str)]) -> Result<(), Unfit> {
        let functions = self.members().flat_map(|(module, map)| module.bodies.iter().map(move |body| (map, body)));
        let mut live = Live::of(functions.collect(), count(&self.outside));
        for (instance, space, name) in exports {
            let index = self.exported(*space, *instance, name)?;
            match space {
                Space::Func => live.note_reference(index),
                Space::Global => live.note_change(index),
                Space::Table | Space::Memory => {}
            }
        }
        for (module, map) in self.members() {
            live.note_module(map, module)?;
        }
        live.look()?;
        let functions = live.places();
        let globals: HashMap<u32, u32> = live.globals.into_iter().zip(0..).collect();
        self.changing = live.changing.iter().filter_map(|index| globals.get(index).copied()).collect();
        let first = count(&self.outside);
        for map in self.maps.values_mut() {
            for index in &mut map.spaces[Space::Global as usize] {
                *index = index.and_then(|index| globals.get(&index).copied());
            }
            for index in &mut map.spaces[Space::Func as usize] {
                *index = index.and_then(|index| match index.checked_sub(first) {
                    Some(place) => functions.get(place as usize).copied().flatten(),
                    None => Some(index),
                });
            }
        }
        Ok(())
    }
}

impl<'m, 'a> Live<'m, 'a> {
    fn of(functions: Vec<(&'m Map, &'m FunctionBody<'a>)>, first: u32) -> Self {
        let (is_live, is_referred_to) = (vec![false; functions.len()], vec![false; functions.len()]);
        let (waiting, globals, changing) = Default::default();
        Self { functions, is_live, is_referred_to, waiting, first, globals, changing }
    }

    /// What a module holds apart from its functions.
    fn note_module(&mut self, map: &Map, module: &Module<'a>) -> Result<(), Unfit> {
        if let Some(start) = module.start {
            self.note(map.get(Space::Func, start)?);
        }
        for global in &module.globals {
            self.note_expression(map, &global.init_expr)?;
        }
        for table in &module.tables {
            if let TableInit::Expr(expression) = &table.init {
                self.note_expression(map, expression)?;
            }
        }
        for data in &module.data {
            if let DataKind::Active { offset_expr, .. } = &data.kind {
                self.note_expression(map, offset_expr)?;
            }
        }
        module.elements.iter().try_for_each(|element| self.note_element(map, element))
    }

    fn note_element(&mut self, map: &Map, element: &Element<'a>) -> Result<(), Unfit> {
        if let ElementKind::Active { offset_expr, .. } = &element.kind {
            self.note_expression(map, offset_expr)?;
        }
        match &element.items {
            ElementItems::Functions(functions) => {
                for function in functions.clone() {
                    self.note_reference(map.get(Space::Func, function?)?);
                }
            }
            ElementItems::Expressions(_, expressions) => {
                for expression in expressions.clone() {
                    self.note_expression(map, &expression?)?;
                }
            }
        }
        Ok(())
    }

    fn note_expression(&mut self, map: &Map, expression: &ConstExpr<'a>) -> Result<(), Unfit> {
        for operator in expression.get_operators_reader() {
            self.note_operator(map, &operator?)?;
        }
        Ok(())
    }

    fn note_operator(&mut self, map: &Map, operator: &Operator<'_>) -> Result<(), Unfit> {
        match operator {
            Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
                self.note(map.get(Space::Func, *function_index)?);
            }
            Operator::RefFunc { function_index } => self.note_reference(map.get(Space::Func, *function_index)?),
            Operator::GlobalGet { global_index } => {
                self.globals.insert(map.get(Space::Global, *global_index)?);
            }
            Operator::GlobalSet { global_index } => self.note_change(map.get(Space::Global, *global_index)?),
            _ => {}
        }
        Ok(())
    }

    fn note_change(&mut self, global: u32) {
        self.globals.insert(global);
        self.changing.insert(global);
    }

    fn note_reference(&mut self, function: u32) {
        if let Some(place) = self.place(function) {
            self.is_referred_to[place] = true;
        }
        self.note(function);
    }

    /// Something leads to this function of the merged module.
    fn note(&mut self, function: u32) {
        if let Some(place) = self.place(function)
            && !std::mem::replace(&mut self.is_live[place], true)
        {
            self.waiting.push(place);
        }
    }

    /// Where a function is among those that the members define.
    fn place(&self, function: u32) -> Option<usize> {
        let place = function.checked_sub(self.first)? as usize;
        (place < self.functions.len()).then_some(place)
    }

    /// Follows what was noted to its end.
    fn look(&mut self) -> Result<(), Unfit> {
        while let Some(place) = self.waiting.pop() {
            let Some((map, body)) = self.functions.get(place).copied() else { continue };
            let mut operators = body.get_operators_reader()?;
            while !operators.eof() {
                self.note_operator(map, &operators.read()?)?;
            }
        }
        Ok(())
    }

    /// The indices that the functions get.
    fn places(&self) -> Vec<Option<u32>> {
        let mut places = vec![None; self.functions.len()];
        let mut free = self.first..;
        for wanted in [true, false] {
            for (place, function) in places.iter_mut().enumerate() {
                if self.is_live[place] && self.is_referred_to[place] == wanted {
                    *function = free.next();
                }
            }
        }
        places
    }
}
