//! Components as linkers make them, before and after.

use std::collections::BTreeSet;

use wasmparser::{ElementItems, ExternalKind, Parser, Payload};
use wasmtime::{
    Engine, Store,
    component::{Component, Linker},
};

use super::*;

/// A memory, a table and two bases, as a linker begins.
const MAIN: &str = r#"
    (core module $main
        (table (export "__indirect_function_table") 8 funcref)
        (memory (export "memory") 1)
        (global (export "a:table_base") i32 (i32.const 2))
        (global (export "a:memory_base") i32 (i32.const 64))
        (global (export "b:table_base") i32 (i32.const 5))
        (global (export "got") (mut i32) (i32.const 5)))"#;

/// A library: `add_one`, and `through`, which calls by the table.
const LIBRARY: &str = r#"
    (core module $a
        (type $unary (func (param i32) (result i32)))
        (import "env" "memory" (memory 1))
        (import "env" "__indirect_function_table" (table 4 funcref))
        (import "env" "__table_base" (global $table i32))
        (import "env" "__memory_base" (global $memory i32))
        (global $here i32 (global.get $memory))
        (func $add_one (export "add_one") (type $unary) (i32.add (local.get 0) (i32.load (global.get $here))))
        (func (export "through") (param i32 i32) (result i32)
            (call_indirect (type $unary) (local.get 1) (local.get 0)))
        (elem (global.get $table) func $add_one)
        (data (offset (i32.add (global.get $memory) (i32.const 0))) "\01\00\00\00"))"#;

/// A program that uses it, and counts how often it was started.
const PROGRAM: &str = r#"
    (core module $b
        (type $unary (func (param i32) (result i32)))
        (import "env" "memory" (memory 1))
        (import "env" "__indirect_function_table" (table 1 funcref))
        (import "env" "__table_base" (global $table i32))
        (import "GOT.func" "double" (global $double (mut i32)))
        (import "a" "add_one" (func $add_one (param i32) (result i32)))
        (import "a" "through" (func $through (param i32 i32) (result i32)))
        (func $double (type $unary) (i32.mul (local.get 0) (i32.const 2)))
        (func $start (i32.store (i32.const 128) (i32.add (i32.load (i32.const 128)) (i32.const 100))))
        (func (export "run") (param i32) (result i32)
            (i32.add
                (call $through (global.get $double) (call $add_one (local.get 0)))
                (i32.add (call $through (i32.const 2) (i32.const 0)) (i32.load (i32.const 128)))))
        (export "add_one" (func $add_one))
        (elem (global.get $table) func $double)
        (start $start))"#;

const INSTANCES: &str = r#"
    (core instance $main (instantiate $main))
    (core instance $env_a
        (export "memory" (memory $main "memory"))
        (export "__indirect_function_table" (table $main "__indirect_function_table"))
        (export "__table_base" (global $main "a:table_base"))
        (export "__memory_base" (global $main "a:memory_base")))
    (core instance $a (instantiate $a (with "env" (instance $env_a))))
    (core instance $env_b
        (export "memory" (memory $main "memory"))
        (export "__indirect_function_table" (table $main "__indirect_function_table"))
        (export "__table_base" (global $main "b:table_base")))
    (core instance $got (export "double" (global $main "got")))
    (core instance $b (instantiate $b
        (with "env" (instance $env_b)) (with "GOT.func" (instance $got)) (with "a" (instance $a))))"#;

const LIFTED: &str = r#"
    (func (export "run") (param "x" s32) (result s32) (canon lift (core func $b "run")))"#;

/// Tables that are filled at last: that of modules that share a memory, and somebody else's.
const FILLED: &str = r#"
    (import "tell" (func $tell (param "text" string)))
    (core module $shim
        (type $tells (func (param i32 i32)))
        (table (export "$imports") 1 1 funcref)
        (func (export "0") (type $tells) (call_indirect (type $tells) (local.get 0) (local.get 1) (i32.const 0))))
    (core module $main
        (table (export "table") 2 funcref)
        (memory (export "memory") 1)
        (data (i32.const 8) "hello"))
    (core module $a
        (import "env" "memory" (memory 1))
        (import "env" "table" (table 2 funcref))
        (import "host" "tell" (func $tell (param i32 i32)))
        (func (export "run") (param i32) (result i32)
            (call $tell (i32.const 8) (i32.const 5))
            (call_indirect (param i32) (result i32) (local.get 0) (i32.const 1)))
        (func $three (export "three") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3))))
    (core module $fixup
        (import "main" "memory" (memory 1))
        (import "main" "table" (table $table 2 funcref))
        (import "a" "three" (func $three (param i32) (result i32)))
        (import "shim" "$imports" (table $imports 1 1 funcref))
        (import "actual" "0" (func $tell (param i32 i32)))
        (elem (table $table) (i32.const 1) func $three)
        (elem (table $imports) (i32.const 0) func $tell))
    (core instance $shim (instantiate $shim))
    (core instance $main (instantiate $main))
    (core instance $env (export "memory" (memory $main "memory")) (export "table" (table $main "table")))
    (core instance $host (export "tell" (func $shim "0")))
    (core instance $a (instantiate $a (with "env" (instance $env)) (with "host" (instance $host))))
    (alias core export $main "memory" (core memory $memory))
    (core func $told (canon lower (func $tell) (memory $memory)))
    (core instance $actual (export "0" (func $told)))
    (core instance $fixup (instantiate $fixup
        (with "main" (instance $main)) (with "a" (instance $a)) (with "shim" (instance $shim))
        (with "actual" (instance $actual))))"#;

const LIFTED_OF_A: &str = r#"(func (export "run") (param "x" s32) (result s32) (canon lift (core func $a "run")))"#;

fn component(parts: &[&str]) -> Vec<u8> {
    wat::parse_str(format!("(component {})", parts.join("\n"))).unwrap()
}

fn modules(component: &[u8]) -> usize {
    let is_module = |payload: &Payload<'_>| matches!(payload, Payload::ModuleSection { .. });
    Parser::new(0).parse_all(component).filter(|payload| is_module(payload.as_ref().unwrap())).count()
}

/// How many functions a component's modules define, and their types.
fn functions(component: &[u8]) -> (u32, Vec<String>) {
    let (mut count, mut types) = (0, Vec::new());
    for payload in Parser::new(0).parse_all(component) {
        match payload.unwrap() {
            Payload::FunctionSection(section) => count += section.count(),
            Payload::TypeSection(section) => {
                for group in section {
                    types.extend(group.unwrap().types().map(|ty| format!("{:?}", ty.composite_type)));
                }
            }
            _ => {}
        }
    }
    (count, types)
}

/// What `run` gives, and what the host was told.
fn run(component: &[u8], x: i32) -> (i32, Vec<String>) {
    Validator::new().validate_all(component).unwrap();
    let engine = Engine::default();
    let mut store = Store::new(&engine, Vec::new());
    let mut linker = Linker::new(&engine);
    let told = |mut store: wasmtime::StoreContextMut<'_, Vec<String>>, (text,): (String,)| {
        store.data_mut().push(text);
        Ok(())
    };
    linker.root().func_wrap("tell", told).unwrap();
    let instance = linker.instantiate(&mut store, &Component::new(&engine, component).unwrap()).unwrap();
    let run = instance.get_typed_func::<(i32,), (i32,)>(&mut store, "run").unwrap();
    let (result,) = run.call(&mut store, (x,)).unwrap();
    (result, store.into_data())
}

#[test]
fn linked_modules_are_one_that_does_the_same() {
    let linked = component(&[MAIN, LIBRARY, PROGRAM, INSTANCES, LIFTED]);
    let merged = merged(&linked).unwrap();
    assert_eq!((modules(&linked), modules(&merged)), (3, 1));
    // Twice one more, one of the table, and one start.
    assert_eq!(run(&linked, 20), (42 + 1 + 100, vec![]));
    assert_eq!(run(&merged, 20), run(&linked, 20));
}

#[test]
fn what_nothing_leads_to_is_left_out() {
    let linked = component(&[MAIN, LIBRARY, PROGRAM, INSTANCES, LIFTED]);
    let unused = r#"
        (func $never (param f64) (call $nowhere))
        (func $nowhere (call $never (f64.const 0)))
        (func (export "unused") (call $nowhere))
        (func $add_one"#;
    let named = r#"
        (func $named (param f64))
        (global funcref (ref.func $named))
        (func $add_one"#;
    let with =
        |functions| component(&[MAIN, &LIBRARY.replace("(func $add_one", functions), PROGRAM, INSTANCES, LIFTED]);
    let merged = |linked: &[u8]| functions(&merged(linked).unwrap());
    // Those that set it back are none of theirs, and there is no such thing where something starts.
    assert_eq!((functions(&linked).0, merged(&linked).0), (5, 5));
    assert_eq!((functions(&with(unused)).0, merged(&with(unused)).0), (8, 5));
    assert_eq!(run(&super::merged(&with(unused)).unwrap(), 20), run(&linked, 20));
    assert_eq!((functions(&with(named)).0, merged(&with(named)).0), (6, 6));
    assert_eq!(run(&super::merged(&with(named)).unwrap(), 20), run(&linked, 20));
}

#[test]
fn globals_that_nobody_sets_are_constants() {
    let globals = |program: &str| {
        let merged = merged(&component(&[MAIN, LIBRARY, program, INSTANCES, LIFTED])).unwrap();
        assert_eq!(run(&merged, 20).0, 42 + 1 + 100);
        let mut mutable = Vec::new();
        for payload in Parser::new(0).parse_all(&merged) {
            if let Payload::GlobalSection(section) = payload.unwrap() {
                mutable.extend(section.into_iter().map(|global| global.unwrap().ty.mutable));
            }
        }
        (mutable.len(), mutable.into_iter().filter(|mutable| *mutable).count())
    };
    assert_eq!(globals(PROGRAM), (5, 0));
    assert_eq!(globals(&PROGRAM.replace("(func $double", "(global $unused i32 (i32.const 1)) (func $double")), (5, 0));
    let set = "(func $start (global.set $double (global.get $double)) (i32";
    assert_eq!(globals(&PROGRAM.replace("(func $start (i32", set)), (5, 1));
}

/// The engine's list of these ends with the last of them.
#[test]
fn functions_that_are_referred_to_come_first() {
    let merged = merged(&component(&[MAIN, LIBRARY, PROGRAM, INSTANCES, LIFTED])).unwrap();
    let (mut referred, mut all) = (BTreeSet::new(), 0);
    for payload in Parser::new(0).parse_all(&merged) {
        match payload.unwrap() {
            Payload::FunctionSection(section) => all = section.count(),
            Payload::ExportSection(section) => {
                let exports = section.into_iter().map(Result::unwrap);
                referred.extend(exports.filter(|export| export.kind == ExternalKind::Func).map(|export| export.index));
            }
            Payload::ElementSection(section) => {
                for element in section {
                    let ElementItems::Functions(functions) = element.unwrap().items else { continue };
                    referred.extend(functions.into_iter().map(Result::unwrap));
                }
            }
            _ => {}
        }
    }
    assert_eq!((all, referred.into_iter().collect::<Vec<_>>()), (5, vec![0, 1, 2]));
}

#[test]
fn types_of_several_are_there_once() {
    let linked = component(&[MAIN, LIBRARY, PROGRAM, INSTANCES, LIFTED]);
    let count = |component: &[u8]| {
        let types = functions(component).1;
        (types.len(), types.into_iter().collect::<std::collections::HashSet<_>>().len())
    };
    assert_eq!(count(&linked), (5, 3));
    assert_eq!(count(&merged(&linked).unwrap()), (3, 3));
    // A group of types that name each other stays what it is.
    let group = r#"
        (rec (type $a (func (param (ref null $b)))) (type $b (func (param (ref null $a)))))
        (type $of (func (param (ref null $b)) (result i32)))
        (func (export "of") (type $of) (i32.const 1))
        (func $add_one"#;
    let linked = component(&[MAIN, &LIBRARY.replace("(func $add_one", group), PROGRAM, INSTANCES, LIFTED]);
    assert_eq!(count(&merged(&linked).unwrap()).0, 3 + 3);
    assert_eq!(run(&merged(&linked).unwrap(), 20), run(&linked, 20));
}

#[test]
fn so_are_those_of_a_component_within() {
    let within = ["(component $within", MAIN, LIBRARY, PROGRAM, INSTANCES, LIFTED, ")"].join("\n");
    let outer = r#"(instance $it (instantiate $within)) (export "run" (func $it "run"))"#;
    let linked = component(&[&within, outer]);
    let merged = merged(&linked).unwrap();
    assert_eq!((modules(&linked), modules(&merged)), (3, 1));
    assert_eq!(run(&merged, 20), run(&linked, 20));
}

/// Whoever calls the host before there is a memory calls it by a table that is filled afterwards, along with the last of
/// theirs.
#[test]
fn what_fills_the_tables_of_others_stays_apart() {
    let linked = component(&[FILLED, LIFTED_OF_A]);
    let merged = merged(&linked).unwrap();
    assert_eq!((modules(&linked), modules(&merged)), (4, 3));
    assert_eq!(run(&linked, 14), (42, vec!["hello".to_owned()]));
    assert_eq!(run(&merged, 14), run(&linked, 14));

    // Who is started last may call the host already, by the table that is filled by then.
    let starts = r#"
    (core module $init
        (import "main" "memory" (memory 1))
        (import "shim" "0" (func $tell (param i32 i32)))
        (func $start (call $tell (i32.const 8) (i32.const 4)))
        (start $start))
    (core instance (instantiate $init (with "main" (instance $main)) (with "shim" (instance $shim))))"#;
    let linked = component(&[FILLED, starts, LIFTED_OF_A]);
    assert_eq!(run(&linked, 14), (42, vec!["hell".to_owned(), "hello".to_owned()]));
    let why = super::merged(&linked).unwrap_err().to_string();
    assert_eq!(why, "a module is started after others that could not be there yet");
}

#[test]
fn what_is_not_understood_is_left_alone() {
    let unusual = |parts: &[&str]| match merged(&component(parts)) {
        Err(Unfit::Unusual(why)) => why,
        other => panic!("{other:?}"),
    };
    let alone = r#"(core module $m (memory 1) (func $f) (start $f)) (core instance (instantiate $m))"#;
    assert!(matches!(merged(&component(&[alone])), Err(Unfit::Nothing)));
    assert!(matches!(merged(&component(&[""])), Err(Unfit::Nothing)));

    let twice = r#"(core instance (instantiate $main))"#;
    assert_eq!(unusual(&[MAIN, LIBRARY, PROGRAM, INSTANCES, twice]), "it has two instances of a module");

    // Whoever is started could see that the data of a later module is there already.
    let late = LIBRARY.replace("$a", "$late").replace("add_one", "more");
    let instance = r#"(core instance (instantiate $late (with "env" (instance $env_a))))"#;
    let why = unusual(&[MAIN, LIBRARY, PROGRAM, &late, INSTANCES, instance]);
    assert_eq!(why, "a module is filled after another one has started");
}

#[test]
fn nothing_breaks_it() {
    let linked = component(&[MAIN, LIBRARY, PROGRAM, INSTANCES, LIFTED]);
    for end in 0..linked.len() {
        let _ = merged(&linked[..end]);
    }
    for place in 0..linked.len() {
        for bit in 0..8 {
            let mut damaged = linked.clone();
            damaged[place] ^= 1 << bit;
            let _ = merged(&damaged);
        }
    }
}

mod rewinding;
