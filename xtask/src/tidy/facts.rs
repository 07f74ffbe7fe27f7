//! What one Rust file says, gathered in one walk over its syntax: the rules judge it later.
//!
//! The body of a macro call is not syntax yet, so it is read token by token: paths, nested macro
//! names and calls of `unwrap` and `expect` are found there too.

mod test_code;
mod tokens;
mod walk;

use self::walk::Walk;

/// What one file says outside its tests, and how large its parts are.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) mentions: Vec<Mention>,
    pub(crate) macros: Vec<MacroCall>,
    pub(crate) panics: Vec<Panic>,
    pub(crate) functions: Vec<Function>,
    pub(crate) inline_modules: Vec<(usize, String)>,
    /// Modules in files of their own that are declared under `#[cfg(test)]`.
    pub(crate) test_modules: Vec<Vec<String>>,
    /// Lines of inline modules under `#[cfg(test)]`.
    pub(crate) test_lines: usize,
}

/// A path outside tests; `self` and `super` are resolved, so its own crate's begin with `crate`.
#[derive(Debug, PartialEq)]
pub(crate) struct Mention {
    pub(crate) line: usize,
    pub(crate) path: Vec<String>,
}

/// A macro that is called, in tests too.
#[derive(Debug, PartialEq)]
pub(crate) struct MacroCall {
    pub(crate) line: usize,
    pub(crate) name: String,
    pub(crate) test: bool,
}

/// A call outside tests that panics on the wrong variant.
#[derive(Debug, PartialEq)]
pub(crate) struct Panic {
    pub(crate) line: usize,
    pub(crate) kind: PanicKind,
}

/// Which call it is.
#[derive(Debug, PartialEq)]
pub(crate) enum PanicKind {
    Unwrap,
    /// `expect` with its message, where that is a literal.
    Expect(Option<String>),
}

/// A function and its length from `fn` to the closing brace.
#[derive(Debug, PartialEq)]
pub(crate) struct Function {
    pub(crate) line: usize,
    pub(crate) name: String,
    pub(crate) lines: usize,
}

/// Reads `text`, the file of the module `module`.
pub(crate) fn gather(text: &str, module: &[String]) -> syn::Result<Facts> {
    let file = syn::parse_file(text)?;
    Ok(Walk::over(&file, module))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(module: &[&str], text: &str) -> Facts {
        let module: Vec<String> = module.iter().map(|m| (*m).to_owned()).collect();
        gather(text, &module).expect("the source parses")
    }

    fn mentions(module: &[&str], text: &str) -> Vec<String> {
        let facts = facts(module, text);
        facts.mentions.iter().map(|m| m.path.join("::")).collect()
    }

    #[test]
    fn imports_are_flattened_and_relative_ones_resolved() {
        assert_eq!(
            mentions(
                &["value", "exact"],
                "use crate::{value::{self, Value}, schema::*};\nuse super::batch;\nuse self::a::B as C;\nuse tokio;"
            ),
            [
                "crate::value",
                "crate::value::Value",
                "crate::schema::*",
                "crate::value::batch",
                "crate::value::exact::a::B",
                "tokio",
            ]
        );
    }

    #[test]
    fn paths_are_found_in_types_expressions_attributes_and_macros() {
        let source = "
            #[tokio::main]
            fn f(a: crate::a::T) -> Vec<std::fs::File> {
                crate::b::go();
                format!(\"{}\", crate::c::x(vec![super::d::y]));
                crate::ensure!(true);
                tokio::select! { _ = serde_json::json!(1) => {} }
                local
            }";
        assert_eq!(
            mentions(&["m"], source),
            [
                "tokio::main",
                "crate::a::T",
                "std::fs::File",
                "crate::b::go",
                "crate::c::x",
                "crate::d::y",
                "tokio::select",
                "serde_json::json"
            ]
        );
    }

    #[test]
    fn super_counts_inline_modules() {
        let source = "mod inner { fn f() { super::super::x::y(); } }";
        assert_eq!(mentions(&["m", "n"], source), ["crate::m::x::y"]);
    }

    #[test]
    fn tests_mention_nothing() {
        let source = "
            #[cfg(test)] use a::b;
            #[cfg(all(test, unix))] fn f() { a::b::c(); }
            #[tokio::test] async fn g() { a::b().unwrap(); }
            #[cfg(test)] mod tests { use a::b; fn h() { x.expect(\"y\"); } }
            struct S { #[cfg(test)] field: a::b::C }
            impl S { #[cfg(test)] fn i() -> a::b::C { todo!() } }
            #[cfg(any(test, unix))] fn j() { c::d(); }";
        let facts = facts(&[], source);
        let paths: Vec<_> = facts.mentions.iter().map(|m| m.path.join("::")).collect();
        assert_eq!(paths, ["c::d"]);
        assert_eq!(facts.panics, []);
        assert!(facts.macros.iter().all(|call| call.test));
    }

    #[test]
    fn panics_are_found_in_code_and_in_macros() {
        let source = "fn f() {
            a.unwrap();
            b.expect(\"BUG: b\");
            assert!(c.unwrap() == d.expect(\"no\"));
            e.expect(&text);
            own.unwrap(1);
            own.expect(1, 2);
            assert!(own.expect(1, 2), f.expect(
                \"BUG: f\",
            ));
        }";
        let found: Vec<_> = facts(&[], source).panics;
        let panic = |line, kind| Panic { line, kind };
        assert_eq!(
            found,
            [
                panic(2, PanicKind::Unwrap),
                panic(3, PanicKind::Expect(Some("BUG: b".to_owned()))),
                panic(4, PanicKind::Unwrap),
                panic(4, PanicKind::Expect(Some("no".to_owned()))),
                panic(5, PanicKind::Expect(None)),
                panic(8, PanicKind::Expect(Some("BUG: f".to_owned()))),
            ]
        );
    }

    #[test]
    fn macro_names_are_found_at_any_depth() {
        let source = "fn f() { std::println!(\"x\"); select! { _ = a => { dbg!(b != (c)) } } }";
        let facts = facts(&[], source);
        let names: Vec<_> = facts.macros.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names, ["println", "select", "dbg"]);
    }

    #[test]
    fn a_function_is_measured_from_fn_to_brace() {
        let source = "/// doc\n#[inline]\nfn f(\n  a: u8,\n) {\n  fn g() {}\n}\ntrait T { fn h() {\n} fn i(); }";
        let found: Vec<_> =
            facts(&[], source).functions.iter().map(|f| format!("{} {} {}", f.name, f.line, f.lines)).collect();
        assert_eq!(found, ["f 3 5", "g 6 1", "h 8 2"]);
    }

    #[test]
    fn inline_tests_are_measured_with_their_attribute() {
        let facts =
            facts(&["a"], "fn f() {}\n#[cfg(test)]\nmod tests {\n\n}\n#[cfg(test)]\nmod world;\nmod plain {}\n");
        assert_eq!(facts.test_lines, 4);
        assert_eq!(facts.test_modules, [["a", "world"]]);
        let inline: Vec<_> = facts.inline_modules.iter().map(|(_, n)| n).collect();
        assert_eq!(inline, ["tests", "plain"]);
    }
}
