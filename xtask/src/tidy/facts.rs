//! What one Rust file says, gathered in one walk over its syntax: the rules judge it later.
//!
//! The body of a macro call is not syntax yet, so it is read token by token: paths, nested macro
//! names and calls of `unwrap` and `expect` are found there too.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

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
    let mut walk = Walk { facts: Facts::default(), module: module.to_vec(), test: file.attrs.iter().any(is_test) };
    walk.visit_file(&file);
    Ok(walk.facts)
}

struct Walk {
    facts: Facts,
    module: Vec<String>,
    test: bool,
}

impl Walk {
    /// Walks on with `visit`, as test code if `attrs` say so.
    fn within(&mut self, attrs: &[syn::Attribute], visit: impl FnOnce(&mut Self)) {
        let outer = self.test;
        self.test |= attrs.iter().any(is_test);
        visit(self);
        self.test = outer;
    }

    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let line = signature.fn_token.span.start().line;
        let end = block.brace_token.span.close().end().line;
        self.facts.functions.push(Function { line, name: signature.ident.to_string(), lines: end - line + 1 });
    }

    fn mention(&mut self, line: usize, segments: Vec<String>) {
        if !self.test {
            let path = self.resolve(segments);
            self.facts.mentions.push(Mention { line, path });
        }
    }

    fn resolve(&self, segments: Vec<String>) -> Vec<String> {
        let mut base = self.module.clone();
        let mut rest = segments.as_slice();
        let mut own = false;
        while let Some((first, tail)) = rest.split_first() {
            match first.as_str() {
                "self" => {}
                "super" => {
                    base.pop();
                }
                _ => break,
            }
            own = true;
            rest = tail;
        }
        if own { [&["crate".to_owned()], base.as_slice(), rest].concat() } else { segments }
    }

    fn panic(&mut self, line: usize, kind: PanicKind) {
        if !self.test {
            self.facts.panics.push(Panic { line, kind });
        }
    }

    fn macro_call(&mut self, line: usize, name: String) {
        let test = self.test;
        self.facts.macros.push(MacroCall { line, name, test });
    }

    fn use_tree(&mut self, tree: &syn::UseTree, prefix: &[String]) {
        let line = tree.span().start().line;
        match tree {
            syn::UseTree::Path(path) => {
                let longer = [prefix, &[path.ident.to_string()]].concat();
                self.use_tree(&path.tree, &longer);
            }
            syn::UseTree::Group(group) => {
                for item in &group.items {
                    self.use_tree(item, prefix);
                }
            }
            syn::UseTree::Name(name) => self.use_leaf(line, prefix, name.ident.to_string()),
            syn::UseTree::Rename(rename) => self.use_leaf(line, prefix, rename.ident.to_string()),
            syn::UseTree::Glob(_) => self.use_leaf(line, prefix, "*".to_owned()),
        }
    }

    fn use_leaf(&mut self, line: usize, prefix: &[String], leaf: String) {
        let mut path = prefix.to_vec();
        // `use crate::value::{self}` names the module itself.
        if leaf != "self" || path.is_empty() {
            path.push(leaf);
        }
        self.mention(line, path);
    }

    /// Reads the body of a macro call.
    fn tokens(&mut self, tokens: &TokenStream) {
        let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Ident(_) => at += self.token_path(&tokens[at..]),
                TokenTree::Punct(dot) if dot.as_char() == '.' => {
                    self.token_call(&tokens[at + 1..]);
                    at += 1;
                }
                TokenTree::Group(group) => {
                    self.tokens(&group.stream());
                    at += 1;
                }
                _ => at += 1,
            }
        }
    }

    /// Reads `a::b::c` or `name!(..)` at the start of `tokens`; returns how many tokens it took.
    fn token_path(&mut self, tokens: &[TokenTree]) -> usize {
        let mut path = vec![tokens[0].to_string()];
        let line = tokens[0].span().start().line;
        let mut taken = 1;
        while let [TokenTree::Punct(a), TokenTree::Punct(b), TokenTree::Ident(next), ..] = &tokens[taken..]
            && a.as_char() == ':'
            && b.as_char() == ':'
        {
            path.push(next.to_string());
            taken += 3;
        }
        if let [TokenTree::Punct(bang), TokenTree::Group(_), ..] = &tokens[taken..]
            && bang.as_char() == '!'
        {
            let name = path.pop().unwrap_or_default();
            self.macro_call(line, name);
        }
        if path.len() > 1 {
            self.mention(line, path);
        }
        taken
    }

    /// Reads `unwrap()` or `expect(..)` at the start of `tokens`, which follow a dot.
    fn token_call(&mut self, tokens: &[TokenTree]) {
        let [TokenTree::Ident(name), TokenTree::Group(args), ..] = tokens else {
            return;
        };
        if args.delimiter() != Delimiter::Parenthesis {
            return;
        }
        let line = name.span().start().line;
        if name == "unwrap" && args.stream().is_empty() {
            self.panic(line, PanicKind::Unwrap);
        } else if name == "expect" && !args.stream().is_empty() {
            let literal = syn::parse2::<syn::LitStr>(args.stream());
            let message = literal.ok().map(|literal| literal.value());
            self.panic(line, PanicKind::Expect(message));
        }
    }
}

impl<'ast> Visit<'ast> for Walk {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !self.test {
            self.facts.test_lines += inline_test_lines(item);
        }
        self.within(item_attrs(item), |walk| visit::visit_item(walk, item));
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attrs = match item {
            syn::ImplItem::Const(item) => &item.attrs[..],
            syn::ImplItem::Fn(item) => &item.attrs,
            syn::ImplItem::Type(item) => &item.attrs,
            syn::ImplItem::Macro(item) => &item.attrs,
            _ => &[],
        };
        self.within(attrs, |walk| visit::visit_impl_item(walk, item));
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        self.within(&field.attrs, |walk| visit::visit_field(walk, field));
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let name = item.ident.to_string();
        self.module.push(name.clone());
        if item.content.is_some() {
            let line = item.mod_token.span.start().line;
            self.facts.inline_modules.push((line, name));
        } else if self.test {
            self.facts.test_modules.push(self.module.clone());
        }
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.use_tree(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        // A single name is a local one: what it means was said where it was imported.
        if path.segments.len() > 1 {
            let segments = path.segments.iter().map(|s| s.ident.to_string()).collect();
            self.mention(path.span().start().line, segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let line = call.path.span().start().line;
        let mut path: Vec<String> = call.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.macro_call(line, path.pop().unwrap_or_default());
        // `crate::name!` names the macro alone: every macro of a crate stands at its root.
        if path.len() > 1 {
            self.mention(line, path);
        }
        self.tokens(&call.tokens);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let line = call.method.span().start().line;
        if call.method == "unwrap" && call.args.is_empty() {
            self.panic(line, PanicKind::Unwrap);
        } else if call.method == "expect" && call.args.len() == 1 {
            self.panic(line, PanicKind::Expect(call.args.first().and_then(literal)));
        }
        visit::visit_expr_method_call(self, call);
    }
}

fn literal(expr: &syn::Expr) -> Option<String> {
    match expr {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}

/// Whether an attribute makes what it stands on test code: `#[cfg(test)]`, `#[test]`, `#[tokio::test]`.
fn is_test(attr: &syn::Attribute) -> bool {
    match &attr.meta {
        syn::Meta::Path(path) => path.segments.last().is_some_and(|s| s.ident == "test"),
        syn::Meta::List(list) if list.path.is_ident("cfg") => list.parse_args().is_ok_and(|meta| needs_test(&meta)),
        syn::Meta::List(list) => list.path.segments.last().is_some_and(|s| s.ident == "test"),
        syn::Meta::NameValue(_) => false,
    }
}

/// Whether a condition holds in tests only: `test`, or an `all` with it.
fn needs_test(meta: &syn::Meta) -> bool {
    match meta {
        syn::Meta::Path(path) => path.is_ident("test"),
        syn::Meta::List(list) if list.path.is_ident("all") => list
            .parse_args_with(syn::punctuated::Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated)
            .is_ok_and(|all| all.iter().any(needs_test)),
        _ => false,
    }
}

/// Counts the lines of `item` if it is an inline module of tests, from its attribute to its brace.
fn inline_test_lines(item: &syn::Item) -> usize {
    let syn::Item::Mod(module) = item else {
        return 0;
    };
    let attr = module.attrs.iter().find(|attr| is_test(attr));
    let (Some(attr), Some((brace, _))) = (attr, &module.content) else {
        return 0;
    };
    brace.span.close().end().line - attr.span().start().line + 1
}

fn item_attrs(item: &syn::Item) -> &[syn::Attribute] {
    use syn::Item;
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
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
                local
            }";
        assert_eq!(
            mentions(&["m"], source),
            ["tokio::main", "crate::a::T", "std::fs::File", "crate::b::go", "crate::c::x", "crate::d::y",]
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
