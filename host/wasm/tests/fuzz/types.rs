//! Components that are whole, with a function whose types nest deep or branch wide.

use wasm_encoder::{
    CanonicalOption, CodeSection, ComponentBuilder, ComponentExportKind, ComponentValType, ExportKind, ExportSection,
    Function, FunctionSection, Instruction, MemorySection, MemoryType, Module, ModuleArg, PrimitiveValType,
    TypeSection, ValType,
};

use crate::random::Random;

/// A function `f` that takes a list of such a type as `a`, and returns one.
pub(crate) fn component(random: &mut Random) -> Vec<u8> {
    let mut builder = ComponentBuilder::default();
    let module = builder.core_module(None, &module());
    let instance = builder.core_instantiate(None, module, [] as [(&str, ModuleArg); 0]);
    let memory = builder.core_alias_export(None, instance, "memory", ExportKind::Memory);
    let realloc = builder.core_alias_export(None, instance, "realloc", ExportKind::Func);
    let function = builder.core_alias_export(None, instance, "f", ExportKind::Func);
    let mut ty = ComponentValType::Primitive(*random.of(&[
        PrimitiveValType::U8,
        PrimitiveValType::String,
        PrimitiveValType::F64,
        PrimitiveValType::Char,
    ]));
    let most = *random.of(&[8, 8, 150]);
    for _ in 0..random.below(most) {
        let (index, encoder) = builder.type_defined(None);
        match random.below(5) {
            0 | 1 => encoder.option(ty),
            2 => encoder.list(ty),
            3 => encoder.result(Some(ty), Some(ty)),
            _ => encoder.tuple([ty, ty]),
        }
        ty = ComponentValType::Type(index);
    }
    let (list, encoder) = builder.type_defined(None);
    encoder.list(ty);
    let (signature, mut encoder) = builder.type_function(None);
    encoder.params([("a", ComponentValType::Type(list))]);
    encoder.result(Some(ComponentValType::Type(list)));
    let options = [CanonicalOption::Memory(memory), CanonicalOption::Realloc(realloc)];
    let lifted = builder.lift_func(None, function, signature, options);
    builder.export("f", ComponentExportKind::Func, lifted, None);
    builder.finish()
}

/// `f` returns the address of a list, whatever stands there: nothing, unless arguments were written there.
fn module() -> Module {
    let mut module = Module::new();
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32; 2], [ValType::I32]);
    types.ty().function([ValType::I32; 4], [ValType::I32]);
    let mut functions = FunctionSection::new();
    functions.function(0).function(1);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None });
    let mut exports = ExportSection::new();
    exports.export("f", ExportKind::Func, 0).export("realloc", ExportKind::Func, 1).export(
        "memory",
        ExportKind::Memory,
        0,
    );
    let mut code = CodeSection::new();
    for _ in 0..2 {
        let mut function = Function::new([]);
        function.instruction(&Instruction::I32Const(64)).instruction(&Instruction::End);
        code.function(&function);
    }
    module.section(&types).section(&functions).section(&memories).section(&exports).section(&code);
    module
}
