//! The bodies of macro calls, which are tokens and not syntax yet.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::parse::Parser;
use syn::punctuated::Punctuated;

use super::PanicKind;
use super::walk::{Walk, literal};

impl Walk {
    /// Reads the body of a macro call.
    pub(super) fn tokens(&mut self, tokens: &TokenStream) {
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
            self.macro_call(line, path);
        } else if path.len() > 1 {
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
        } else if name == "expect" {
            let args = Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated.parse2(args.stream());
            if let Some(message) = args.as_ref().ok().filter(|args| args.len() == 1).and_then(Punctuated::first) {
                self.panic(line, PanicKind::Expect(literal(message)));
            }
        }
    }
}
