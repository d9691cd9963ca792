//! Returns what it is given, of every type of WIT.

use exports::guests::shapes::{
    echo::{Colour, Guest as Echo, Point, Rights, Shape},
    others::{Guest as Others, GuestThing, Thing, ThingBorrow},
};

wit_bindgen::generate!({ path: "wit", world: "shapes" });

struct Plugin;

/// Functions that return what they are given.
macro_rules! echo {
    ($($name:ident: $type:ty),* $(,)?) => {
        $(fn $name(value: $type) -> $type { value })*
    };
}

impl Echo for Plugin {
    echo!(
        a_bool: bool,
        an_s8: i8,
        a_u8: u8,
        an_s16: i16,
        a_u16: u16,
        an_s32: i32,
        a_u32: u32,
        an_s64: i64,
        a_u64: u64,
        an_f32: f32,
        an_f64: f64,
        a_char: char,
        a_string: String,
        bytes: Vec<u8>,
        numbers: Vec<i16>,
        a_tuple: (u8, String, bool),
        a_record: Point,
        an_enum: Colour,
        some_flags: Rights,
        a_variant: Shape,
        variants: Vec<Shape>,
        an_option: Option<String>,
        an_option_of_an_option: Option<Option<u8>>,
        fails: Result<Point, Shape>,
        fails_without_a_reason: Result<(), ()>,
    );

    fn a_result(value: Result<u8, String>) -> Result<Result<u8, String>, ()> {
        Ok(value)
    }

    fn a_result_of_nothing(value: Result<(), ()>) -> Result<Result<(), ()>, ()> {
        Ok(value)
    }

    fn nothing() {}

    fn no_numbers() -> Vec<f64> {
        vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]
    }

    fn many_bytes(count: u32) -> Vec<u8> {
        vec![b'x'; count as usize]
    }

    fn many_nothings(count: u32) -> Vec<Vec<String>> {
        vec![Vec::new(); count as usize]
    }

    fn breaks(message: String) -> String {
        panic!("{message}")
    }
}

struct MyThing;

impl GuestThing for MyThing {
    fn new() -> Self {
        Self
    }

    fn name(&self) -> String {
        "thing".to_owned()
    }

    fn make() -> Thing {
        Thing::new(Self)
    }
}

impl Others for Plugin {
    type Thing = MyThing;

    fn a_bool(value: bool) -> String {
        value.to_string()
    }

    fn takes_a_thing(thing: ThingBorrow<'_>) -> String {
        thing.get::<MyThing>().name()
    }

    fn gives_a_thing() -> Option<Thing> {
        None
    }
}

impl Guest for Plugin {
    fn a_bool(value: bool) -> u8 {
        value.into()
    }
}

export!(Plugin);
