//! Which functions anything leads to. What was linked is whole libraries, of which a program uses a part: the rest would be
//! compiled, kept, and looked at by every load.

use wasmparser::{ConstExpr, Element, ElementItems, FunctionBody, Operator, TableInit};

use super::{
    Unfit,
    linked::Merging,
    map::Map,
    module::Module,
    parts::{Space, count},
};

/// The functions of the members, one member's after the other's, by their place among them.
struct Live<'m, 'a> {
    functions: Vec<(&'m Map, &'m FunctionBody<'a>)>,
    is_live: Vec<bool>,
    /// Those whose bodies have not been looked at.
    waiting: Vec<usize>,
    /// Where they begin: before them are those of the host, which stay.
    first: u32,
}

impl<'a> Merging<'_, 'a> {
    /// Leaves out what can never run; what is left moves together. Were one of them wanted all the same, it would have no
    /// index, and the modules stay apart.
    pub(super) fn leave_out(&mut self, exports: &[(u32, Space, &'a str)]) -> Result<(), Unfit> {
        let functions = self.members().flat_map(|(module, map)| module.bodies.iter().map(move |body| (map, body)));
        let mut live = Live::of(functions.collect(), count(&self.outside));
        for (instance, space, name) in exports {
            if *space == Space::Func {
                live.note(self.exported(*space, *instance, name)?);
            }
        }
        for (module, map) in self.members() {
            live.note_module(map, module)?;
        }
        live.look()?;
        let (first, is_live) = (live.first, live.is_live);
        let mut free = first..;
        let places: Vec<_> = is_live.into_iter().map(|is_live| if is_live { free.next() } else { None }).collect();
        for map in self.maps.values_mut() {
            for index in &mut map.spaces[Space::Func as usize] {
                *index = index.and_then(|index| match index.checked_sub(first) {
                    Some(place) => places.get(place as usize).copied().flatten(),
                    None => Some(index),
                });
            }
        }
        Ok(())
    }
}

impl<'m, 'a> Live<'m, 'a> {
    fn of(functions: Vec<(&'m Map, &'m FunctionBody<'a>)>, first: u32) -> Self {
        Self { is_live: vec![false; functions.len()], functions, waiting: Vec::new(), first }
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
        module.elements.iter().try_for_each(|element| self.note_element(map, element))
    }

    fn note_element(&mut self, map: &Map, element: &Element<'a>) -> Result<(), Unfit> {
        match &element.items {
            ElementItems::Functions(functions) => {
                for function in functions.clone() {
                    self.note(map.get(Space::Func, function?)?);
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
        if let Operator::Call { function_index }
        | Operator::ReturnCall { function_index }
        | Operator::RefFunc { function_index } = operator
        {
            self.note(map.get(Space::Func, *function_index)?);
        }
        Ok(())
    }

    /// Something leads to this function of the merged module.
    fn note(&mut self, function: u32) {
        let place = function.checked_sub(self.first).map(|place| place as usize);
        if let Some(place) = place
            && let Some(is_live) = self.is_live.get_mut(place)
            && !std::mem::replace(is_live, true)
        {
            self.waiting.push(place);
        }
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
}
