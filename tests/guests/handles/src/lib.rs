//! Exports functions of resources alone, of which none can be a tool.

use exports::guests::handles::files::{File, Guest, GuestFile};

wit_bindgen::generate!({ path: "wit", world: "handles" });

struct Plugin;
struct MyFile(String);

impl GuestFile for MyFile {
    fn new(path: String) -> Self {
        Self(path)
    }

    fn read(&self) -> String {
        self.0.clone()
    }
}

impl Guest for Plugin {
    type File = MyFile;

    fn open(path: String) -> File {
        File::new(MyFile(path))
    }
}

export!(Plugin);
