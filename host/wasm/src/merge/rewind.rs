//! What lets an instance be set back to what it was when it was made, so that the next call finds a new one without one
//! being made.
//!
//! An instance is its memory, its globals, its tables, and the handles that it holds. Tables stay as they are: a module that
//! changes one, or drops a segment, is not touched. Handles are the host's to look after, as is the knowledge of which pages
//! of the memory were written to. What the module itself has to do is added here, as functions that the component exports and
//! nobody but the host calls:
//!
//! * [`LOOK`] hands the whole memory to the host, which reads it in place;
//! * [`LEARN`] takes what pages are to be set back to, and keeps it in a second memory, which the guest cannot name;
//! * [`REWIND`] sets those pages and all globals back, and tells how large the memory is.
//!
//! A component that brings exports of these names along is none that the gateway runs.

use wasm_encoder::{BlockType, ExportKind, Function, Instruction, MemArg, MemoryType};
use wasmparser::{FuncType, FunctionBody, Operator, ValType};

use super::{Unfit, linked::Merging, map::Constant, parts::count};

/// With this all names begin that only the gateway gives.
pub(crate) const RESERVED: &str = "mcp-gateway-rewind-";
pub(crate) const LOOK: &str = "mcp-gateway-rewind-look";
pub(crate) const LEARN: &str = "mcp-gateway-rewind-learn";
pub(crate) const REWIND: &str = "mcp-gateway-rewind-back";

/// What the merged module calls what only the component around it needs.
pub(super) const LOOKED: &str = "looked";
pub(super) const ROOM: &str = "room";
pub(super) const MEMORY: &str = "memory";
pub(super) const KEPT: &str = "kept";

/// The most that [`LEARN`] is told, in pages of 64 KiB.
const KEPT_PAGES: u64 = 128;

/// Where [`LOOK`] leaves what it returns, for as long as the host needs to read it: a list's place and its length.
const RESULT: [u64; 2] = [0, 4];

/// Of what was first: what only a memory and globals hold can be set back.
#[derive(Default)]
pub(super) struct Initial<'a> {
    can_be_set_back: bool,
    /// The globals that change, with what they begin with.
    globals: Vec<(u32, Instruction<'a>)>,
    /// What is at [`RESULT`].
    first: [u8; 8],
}

impl Initial<'_> {
    pub(super) fn new(can_be_set_back: bool) -> Self {
        Self { can_be_set_back, ..Self::default() }
    }

    pub(super) fn note_global(
        &mut self,
        index: u32,
        value: Option<Constant>,
        expression: &wasmparser::ConstExpr<'_>,
    ) -> Result<(), Unfit> {
        let value = match value {
            Some(Constant::I32(value)) => Some(Instruction::I32Const(value)),
            Some(Constant::I64(value)) => Some(Instruction::I64Const(value)),
            None => number(expression)?,
        };
        match value {
            Some(value) => self.globals.push((index, value)),
            None => self.can_be_set_back = false,
        }
        Ok(())
    }

    pub(super) fn note_memory(&mut self, memory: &wasmparser::MemoryType) {
        let is_plain = !memory.memory64 && !memory.shared && memory.page_size_log2.is_none() && memory.initial > 0;
        self.can_be_set_back &= is_plain;
    }

    pub(super) fn note_data(&mut self, place: Constant, data: &[u8]) {
        // Places are unsigned, and beyond the end of the memory nothing is made.
        let place = match place {
            Constant::I32(place) => place.cast_unsigned() as usize,
            Constant::I64(_) => return self.can_be_set_back = false,
        };
        for (byte, value) in self.first.iter_mut().skip(place).zip(data) {
            *byte = *value;
        }
    }

    /// Looks for what changes anything that is not set back.
    pub(super) fn note_body(&mut self, body: &FunctionBody<'_>) -> Result<(), Unfit> {
        if !self.can_be_set_back {
            return Ok(());
        }
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            if changes_more(&operators.read()?) {
                self.can_be_set_back = false;
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Whether it changes anything else than memories and globals.
pub(super) fn changes_more(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::TableSet { .. }
            | Operator::TableGrow { .. }
            | Operator::TableFill { .. }
            | Operator::TableCopy { .. }
            | Operator::TableInit { .. }
            | Operator::ElemDrop { .. }
            | Operator::DataDrop { .. }
            | Operator::MemoryDiscard { .. }
    )
}

/// A number or a null that is written down, and nothing else.
fn number<'a>(expression: &wasmparser::ConstExpr<'_>) -> Result<Option<Instruction<'a>>, Unfit> {
    let mut operators = expression.get_operators_reader();
    let value = match operators.read()? {
        Operator::F32Const { value } => Instruction::F32Const(value.into()),
        Operator::F64Const { value } => Instruction::F64Const(value.into()),
        Operator::V128Const { value } => Instruction::V128Const(value.i128()),
        _ => return Ok(None),
    };
    Ok(matches!(operators.read()?, Operator::End).then_some(value))
}

// === impl Merging ===

impl Merging<'_, '_> {
    /// Adds the functions, where all that changes can be set back; says whether it did.
    pub(super) fn add_rewinding(&mut self) -> Result<bool, Unfit> {
        // What runs as the instance is made leaves more behind than what is written down.
        if !self.initial.can_be_set_back || !self.starts.is_empty() {
            return Ok(false);
        }
        let kept =
            MemoryType { minimum: 0, maximum: Some(KEPT_PAGES), memory64: false, shared: false, page_size_log2: None };
        self.memories.memory(kept);
        // Up to where the second memory is filled.
        let end = self.globals.len();
        let ty = wasm_encoder::GlobalType { val_type: wasm_encoder::ValType::I32, mutable: true, shared: false };
        self.globals.global(ty, &wasm_encoder::ConstExpr::i32_const(0));
        self.exports.export(MEMORY, ExportKind::Memory, 0).export(KEPT, ExportKind::Memory, 1);
        let (look, looked) = (look(), looked(self.initial.first));
        let back = back(&std::mem::take(&mut self.initial.globals), end);
        self.add_function(LOOK, [], [ValType::I32], &look)?;
        self.add_function(LOOKED, [ValType::I32], [], &looked)?;
        self.add_function(ROOM, [ValType::I32; 4], [ValType::I32], &room(end))?;
        self.add_function(LEARN, [ValType::I32; 2], [], &learn(end))?;
        self.add_function(REWIND, [], [ValType::I32], &back)?;
        Ok(true)
    }

    fn add_function<const PARAMS: usize, const RESULTS: usize>(
        &mut self,
        name: &str,
        params: [ValType; PARAMS],
        results: [ValType; RESULTS],
        function: &Function,
    ) -> Result<(), Unfit> {
        let ty = self.types.function(&FuncType::new(params, results))?;
        let index = count(&self.outside) + self.functions.len();
        self.functions.function(ty);
        self.code.function(function);
        self.exports.export(name, ExportKind::Func, index);
        Ok(())
    }
}

/// Where, in the guest's memory or in the second one.
fn at(offset: u64, memory_index: u32) -> MemArg {
    MemArg { offset, align: 2, memory_index }
}

/// `func() -> list<u8>`: all of the memory.
fn look() -> Function {
    let mut function = Function::new([]);
    let [place, length] = RESULT;
    function.instructions().i32_const(0).i32_const(0).i32_store(at(place, 0));
    function.instructions().i32_const(0).memory_size(0).i32_const(16).i32_shl().i32_store(at(length, 0));
    function.instructions().i32_const(0).end();
    function
}

/// After that: puts back what was where its result lay.
fn looked(first: [u8; 8]) -> Function {
    let mut function = Function::new([]);
    let first = i64::from_le_bytes(first);
    function.instructions().i32_const(0).i64_const(first).i64_store(at(RESULT[0], 0)).end();
    function
}

/// As `realloc`: room at the end of the second memory.
fn room(end: u32) -> Function {
    let mut function = Function::new([]);
    let (bytes, wanted) = (3, 0);
    let mut code = function.instructions();
    // Both are within the bounds of that memory, and add up to less than 4 GiB.
    code.global_get(end).local_get(bytes).i32_add().local_set(wanted);
    code.local_get(wanted).memory_size(1).i32_const(16).i32_shl().i32_gt_u().if_(BlockType::Empty);
    code.local_get(wanted).i32_const(0xffff).i32_add().i32_const(16).i32_shr_u().memory_size(1).i32_sub();
    code.memory_grow(1).i32_const(-1).i32_eq().if_(BlockType::Empty).unreachable().end().end();
    code.global_get(end).end();
    function
}

/// `func(pages: list<u8>)`: each with its place and its length before it.
fn learn(end: u32) -> Function {
    let mut function = Function::new([]);
    function.instructions().local_get(0).local_get(1).i32_add().global_set(end).end();
    function
}

/// `func() -> u32`: everything as it was. Gives the size of the memory, in pages of 64 KiB.
fn back(globals: &[(u32, Instruction<'_>)], end: u32) -> Function {
    let mut function = Function::new([(1, wasm_encoder::ValType::I32)]);
    for (global, value) in globals {
        function.instruction(value).instruction(&Instruction::GlobalSet(*global));
    }
    let place = 0;
    let mut code = function.instructions();
    code.block(BlockType::Empty).loop_(BlockType::Empty);
    code.local_get(place).global_get(end).i32_ge_u().br_if(1);
    code.local_get(place).i32_load(at(0, 1));
    code.local_get(place).i32_const(8).i32_add();
    code.local_get(place).i32_load(at(4, 1));
    code.memory_copy(0, 1);
    code.local_get(place).i32_load(at(4, 1)).local_get(place).i32_add().i32_const(8).i32_add().local_set(place);
    code.br(0).end().end();
    code.memory_size(0).end();
    function
}
