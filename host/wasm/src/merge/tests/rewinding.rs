//! Instances that are set back.

use wasmtime::component::{Instance, WasmList};

use super::*;

/// What changes with every call: a global of each kind, and a place in memory.
const CHANGING: &str = r#"
    (core module $m
        (memory (export "memory") 2)
        (global $i (mut i32) (i32.const 10))
        (global $l (mut i64) (i64.const 20))
        (global $f (mut f32) (f32.const 30))
        (global $d (mut f64) (f64.const 40))
        (global $fixed i32 (i32.const 70000))
        (func (export "run") (param i32) (result i32)
            (global.set $i (i32.add (global.get $i) (local.get 0)))
            (global.set $l (i64.add (global.get $l) (i64.const 1)))
            (global.set $f (f32.add (global.get $f) (f32.const 1)))
            (global.set $d (f64.add (global.get $d) (f64.const 1)))
            (i32.store (i32.const 70000) (i32.add (i32.load (global.get $fixed)) (i32.const 100)))
            (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1000)))
            (i32.add
                (i32.add (i32.add (global.get $i) (i32.wrap_i64 (global.get $l))) (i32.load (i32.const 70000)))
                (i32.add
                    (i32.add (i32.trunc_f32_s (global.get $f)) (i32.trunc_f64_s (global.get $d)))
                    (i32.load (i32.const 0)))))
        (data (i32.const 2) "\01")
        (data (i32.const 70000) "\05"))
    (core instance $m (instantiate $m))
    (func (export "run") (param "x" s32) (result s32) (canon lift (core func $m "run")))"#;

/// An instance, its store, and what it is called with.
struct Whole {
    store: Store<()>,
    instance: Instance,
}

impl Whole {
    fn of(component: &[u8]) -> Self {
        let engine = Engine::default();
        let component = Component::new(&engine, component).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate(&mut store, &component).unwrap();
        Self { store, instance }
    }

    fn run(&mut self) -> i32 {
        let run = self.instance.get_typed_func::<(i32,), (i32,)>(&mut self.store, "run").unwrap();
        run.call(&mut self.store, (7,)).unwrap().0
    }

    fn memory(&mut self) -> Vec<u8> {
        let look = self.instance.get_typed_func::<(), (WasmList<u8>,)>(&mut self.store, LOOK).unwrap();
        let (memory,) = look.call(&mut self.store, ()).unwrap();
        memory.as_le_slice(&self.store).to_vec()
    }

    fn learn(&mut self, place: u32, first: &[u8]) {
        let learn = self.instance.get_typed_func::<(Vec<u8>,), ()>(&mut self.store, LEARN).unwrap();
        let length = u32::try_from(first.len()).unwrap();
        let lesson = [&place.to_le_bytes(), &length.to_le_bytes(), first].concat();
        learn.call(&mut self.store, (lesson,)).unwrap();
    }

    fn back(&mut self) -> u32 {
        let back = self.instance.get_typed_func::<(), (u32,)>(&mut self.store, REWIND).unwrap();
        back.call(&mut self.store, ()).unwrap().0
    }
}

fn rewinds(parts: &[&str]) -> bool {
    merged_within(&component(parts), 0).is_ok_and(|anew| anew.rewinds)
}

#[test]
fn an_instance_is_what_it_was() {
    for nesting in ["", r#"(instance $it (instantiate $within)) (export "run" (func $it "run"))"#] {
        let linked = match nesting {
            "" => component(&[CHANGING]),
            outer => component(&["(component $within", CHANGING, ")", outer]),
        };
        let mut whole = Whole::of(&merged(&linked).unwrap());
        let first = whole.memory();
        assert_eq!((first.len(), first[2], first[70000]), (2 * 65536, 1, 5), "looking leaves no trace");
        let results = [whole.run(), whole.run(), whole.run()];
        for (place, length) in [(0, 4096), (69632, 4096)] {
            whole.learn(u32::try_from(place).unwrap(), &first[place..place + length]);
        }
        for _ in 0..3 {
            assert_eq!(whole.back(), 2);
            assert!(whole.memory() == first);
            assert_eq!([whole.run(), whole.run(), whole.run()], results);
        }
    }
}

#[test]
fn it_learns_more_than_fits_into_a_page() {
    let mut whole = Whole::of(&merged(&component(&[CHANGING])).unwrap());
    let first = whole.memory();
    for _ in 0..20 {
        whole.learn(0, &first[..65536]);
    }
    let results = [whole.run(), whole.run()];
    whole.learn(65536, &first[65536..]);
    whole.back();
    assert_eq!([whole.run(), whole.run()], results);
}

#[test]
fn it_is_not_where_something_else_may_change() {
    assert!(rewinds(&[CHANGING]));
    let with = |more: &str| CHANGING.replace("(global $fixed", &format!("{more} (global $fixed"));
    // Functions that nothing leads to are not there.
    let never = "(table 1 funcref) (func (drop (table.grow (ref.null func) (i32.const 1))))";
    assert!(rewinds(&[&with(never)]));
    let with = |more: &str| match more.contains("(func (") {
        true => with(&more.replace("(func (", "(elem declare func $more) (func $more (")),
        false => with(more),
    };
    for more in [
        "(table 1 funcref) (func $g) (elem declare func $g) (func (table.set (i32.const 0) (ref.func $g)))",
        "(table 1 funcref) (func (drop (table.grow (ref.null func) (i32.const 1))))",
        "(table 1 funcref) (func (table.fill (i32.const 0) (ref.null func) (i32.const 1)))",
        "(table 1 funcref) (func (table.copy (i32.const 0) (i32.const 0) (i32.const 1)))",
        "(table 1 funcref) (elem $e funcref (ref.null func)) (func (table.init $e (i32.const 0) (i32.const 0) (i32.const 1)))",
        "(elem $e funcref (ref.null func)) (func (elem.drop $e))",
        "(data $p \"x\") (func (data.drop $p))",
        "(global $g (mut funcref) (ref.null func)) (func (global.set $g (ref.null func)))",
        "(memory $other 1)",
        "(func $s) (start $s)",
    ] {
        assert!(!rewinds(&[&with(more)]), "{more}");
    }
    // What only reads tables, or segments that stay, may.
    for more in [
        "(table 1 funcref) (func (drop (table.get (i32.const 0))))",
        "(data $p \"x\") (func (memory.init $p (i32.const 0) (i32.const 0) (i32.const 1)))",
        "(func (drop (memory.grow (i32.const 1))))",
        "(global $g (mut funcref) (ref.null func)) (func (drop (global.get $g)))",
    ] {
        assert!(rewinds(&[&with(more)]), "{more}");
    }
}

#[test]
fn nor_where_something_beside_it_may() {
    for other in [
        "(core module $o (global (mut i32) (i32.const 0))) (core instance (instantiate $o))",
        "(core module $o (func $s) (start $s)) (core instance (instantiate $o))",
        "(type $r (resource (rep i32))) (core func $new (canon resource.new $r))
         (core module $o (import \"\" \"new\" (func (param i32) (result i32))))
         (core instance (instantiate $o (with \"\" (instance (export \"new\" (func $new))))))",
        "(component (core module $o (memory 1)) (core instance (instantiate $o)))",
        "(component (core module $o (memory 0) (func (drop (memory.grow (i32.const 1))))) (core instance (instantiate $o)))",
        "(component (core module $o (global (mut i32) (i32.const 0))) (core instance (instantiate $o)))",
        "(component (import \"f\" (func)) (core module $o) (core instance (instantiate $o)))",
    ] {
        assert!(!rewinds(&[CHANGING, other]), "{other}");
    }
    for other in [
        "(core module $o (global i32 (i32.const 0)) (func (unreachable))) (core instance (instantiate $o))",
        "(component (core module $o (memory 0) (func $s) (start $s)) (core instance (instantiate $o)))",
        "(component (import \"f\" (func)) (export \"g\" (func 0)))",
    ] {
        assert!(rewinds(&[CHANGING, other]), "{other}");
    }
}
