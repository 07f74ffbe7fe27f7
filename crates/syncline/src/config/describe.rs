//! What a configuration may hold, said once: validation, the JSON Schema and the errors of both are made from it.

/// A table and the keys it may hold.
pub(super) struct Table {
    /// What it is for.
    pub(super) says: &'static str,
    pub(super) keys: &'static [Key],
}

/// A key of a table.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) is_required: bool,
    /// What it is for.
    pub(super) says: &'static str,
    pub(super) kind: Kind,
}

/// What a key holds.
pub(super) enum Kind {
    /// The number of this format.
    Version(u32),
    /// `true` or `false`, and what it is where it is not said.
    Boolean { default: bool },
    /// What names a database, with or without secrets.
    Url,
    /// A table of connections by their names, each a table like this.
    Connections(&'static Table),
}

/// The whole file.
pub(super) const FILE: Table = Table {
    says: "The configuration of Syncline.",
    keys: &[
        Key { name: "version", is_required: true, says: "The version of this format.", kind: Kind::Version(1) },
        Key {
            name: "connections",
            is_required: false,
            says: "Databases by names that stand wherever a command takes a database.",
            kind: Kind::Connections(&CONNECTION),
        },
    ],
};

const CONNECTION: Table = Table {
    says: "A database.",
    keys: &[
        Key {
            name: "url",
            is_required: true,
            says: "The database as the command line names it; relative paths are relative to this file. ${env:NAME}, ${file:PATH}, \
                   ${cmd:COMMAND} and ${keyring:NAME} are replaced when it is opened, $${ stands for ${.",
            kind: Kind::Url,
        },
        Key {
            name: "protected",
            is_required: false,
            says: "Whether the database takes only `syncline apply PLAN`.",
            kind: Kind::Boolean { default: false },
        },
    ],
};

impl Kind {
    /// What a value of this kind is called.
    pub(super) fn called(&self) -> &'static str {
        match self {
            Kind::Version(_) => "a whole number",
            Kind::Boolean { .. } => "true or false",
            Kind::Url => "text in quotes",
            Kind::Connections(_) => "a table",
        }
    }

    /// How such a value is written.
    pub(super) fn example(&self, key: &str) -> String {
        match self {
            Kind::Version(number) => format!("{key} = {number}"),
            Kind::Boolean { .. } => format!("{key} = true"),
            Kind::Url => format!("{key} = \"sqlite:shop.db\""),
            Kind::Connections(_) => format!("[{key}.NAME]"),
        }
    }
}
