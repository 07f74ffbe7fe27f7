//! The walk over the syntax of one file.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::test_code::{inline_test_lines, is_test, item_attrs};
use super::{Facts, Function, MacroCall, Mention, Panic, PanicKind};

/// Where the walk stands, and what it has gathered.
pub(super) struct Walk {
    facts: Facts,
    module: Vec<String>,
    test: bool,
}

impl Walk {
    /// Walks over a whole file, which holds `module`.
    pub(super) fn over(file: &syn::File, module: &[String]) -> Facts {
        let test = file.attrs.iter().any(is_test);
        let mut walk = Self { facts: Facts::default(), module: module.to_vec(), test };
        walk.visit_file(file);
        walk.facts
    }

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

    pub(super) fn mention(&mut self, line: usize, segments: Vec<String>) {
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

    pub(super) fn panic(&mut self, line: usize, kind: PanicKind) {
        if !self.test {
            self.facts.panics.push(Panic { line, kind });
        }
    }

    /// Notes a macro call, and the path before its name.
    pub(super) fn macro_call(&mut self, line: usize, path: Vec<String>) {
        let (name, test) = (path.last().cloned().unwrap_or_default(), self.test);
        self.facts.macros.push(MacroCall { line, name, test });
        // `crate::name!` names the macro alone: every macro of a crate stands at its root.
        if path.len() > 2 || path.len() == 2 && path[0] != "crate" {
            self.mention(line, path);
        }
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
            self.mention(path.span().start().line, names(path));
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let line = call.path.span().start().line;
        self.macro_call(line, names(&call.path));
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

fn names(path: &syn::Path) -> Vec<String> {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

/// Returns the text of a string literal.
pub(super) fn literal(expr: &syn::Expr) -> Option<String> {
    match expr {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}
