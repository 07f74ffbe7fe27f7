//! What is test code, by its attributes.

use syn::spanned::Spanned;

/// Whether an attribute makes what it stands on test code: `#[cfg(test)]`, `#[test]`, `#[tokio::test]`.
pub(super) fn is_test(attr: &syn::Attribute) -> bool {
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
pub(super) fn inline_test_lines(item: &syn::Item) -> usize {
    let syn::Item::Mod(module) = item else {
        return 0;
    };
    let attr = module.attrs.iter().find(|attr| is_test(attr));
    let (Some(attr), Some((brace, _))) = (attr, &module.content) else {
        return 0;
    };
    brace.span.close().end().line - attr.span().start().line + 1
}

/// Returns the attributes of an item of any kind.
pub(super) fn item_attrs(item: &syn::Item) -> &[syn::Attribute] {
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
