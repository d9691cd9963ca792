//! What becomes of the indices of a module.

use wasm_encoder::{
    ConstExpr,
    reencode::{Error, Reencode},
};

use super::{Unfit, parts::Space};

/// What the indices of a module become.
#[derive(Default, Clone)]
pub(super) struct Map {
    pub(super) types: Vec<u32>,
    pub(super) elements: u32,
    pub(super) data: u32,
    /// `None` for what is left out.
    pub(super) spaces: [Vec<Option<u32>>; 4],
}

/// It is not there, or was taken for something that nobody wants.
const NAMELESS: Unfit = Unfit::Unusual("a module names something that there is not");

/// A value that is known.
#[derive(Clone, Copy)]
pub(super) enum Constant {
    I32(i32),
    I64(i64),
}

impl Constant {
    pub(super) fn expression(self) -> ConstExpr {
        match self {
            Self::I32(value) => ConstExpr::i32_const(value),
            Self::I64(value) => ConstExpr::i64_const(value),
        }
    }
}

// === impl Map ===

impl Map {
    pub(super) fn find(&self, space: Space, index: u32) -> Option<u32> {
        self.spaces[space as usize].get(index as usize).copied().flatten()
    }

    pub(super) fn get(&self, space: Space, index: u32) -> Result<u32, Unfit> {
        self.find(space, index).ok_or(NAMELESS)
    }

    pub(super) fn ty(&self, index: u32) -> Result<u32, Unfit> {
        self.types.get(index as usize).copied().ok_or(NAMELESS)
    }
}

impl Reencode for Map {
    type Error = Unfit;

    fn type_index(&mut self, ty: u32) -> Result<u32, Error<Unfit>> {
        self.ty(ty).map_err(Error::UserError)
    }

    fn element_index(&mut self, element: u32) -> Result<u32, Error<Unfit>> {
        Ok(self.elements + element)
    }

    fn data_index(&mut self, data: u32) -> Result<u32, Error<Unfit>> {
        Ok(self.data + data)
    }

    fn function_index(&mut self, func: u32) -> Result<u32, Error<Unfit>> {
        self.get(Space::Func, func).map_err(Error::UserError)
    }

    fn table_index(&mut self, table: u32) -> Result<u32, Error<Unfit>> {
        self.get(Space::Table, table).map_err(Error::UserError)
    }

    fn memory_index(&mut self, memory: u32) -> Result<u32, Error<Unfit>> {
        self.get(Space::Memory, memory).map_err(Error::UserError)
    }

    fn global_index(&mut self, global: u32) -> Result<u32, Error<Unfit>> {
        self.get(Space::Global, global).map_err(Error::UserError)
    }

    fn tag_index(&mut self, _: u32) -> Result<u32, Error<Unfit>> {
        Err(Error::UserError(Unfit::Unusual("a module has tags")))
    }
}
