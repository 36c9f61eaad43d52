//! Messages between the participants: lines of one file that all of them append to and read.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

/// A line of the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A participant's near cache is coherent.
    Ready,
    /// A session was opened.
    Opened(Opened),
    /// A participant has made its last change.
    Done,
}

/// A session of a slot, and its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) slot: usize,
    /// Number of the session within its slot, beginning with 0.
    pub(crate) epoch: u64,
    pub(crate) token: String,
}

pub(crate) struct Board {
    append: File,
    read: File,
    rest: String,
}

impl Board {
    pub(crate) fn open(folder: &Path) -> Self {
        let path = folder.join("board");
        let append = OpenOptions::new().append(true).create(true).open(&path).unwrap();
        Self { append, read: File::open(&path).unwrap(), rest: String::new() }
    }

    /// Appends a line in one write, so that the lines of several processes do not mix.
    pub(crate) fn tell(&mut self, line: &Line) {
        let text = match line {
            Line::Ready => "ready\n".to_owned(),
            Line::Opened(Opened { slot, epoch, token }) => {
                format!("opened {slot} {epoch} {token}\n")
            }
            Line::Done => "done\n".to_owned(),
        };
        self.append.write_all(text.as_bytes()).unwrap();
    }

    /// Returns the lines that participants have written since the last call.
    pub(crate) fn news(&mut self) -> Vec<Line> {
        self.read.read_to_string(&mut self.rest).unwrap();
        let whole = self.rest.rfind('\n').map_or(0, |end| end + 1);
        let rest = self.rest.split_off(whole);
        let lines = std::mem::replace(&mut self.rest, rest);
        lines.lines().map(parse).collect()
    }
}

fn parse(line: &str) -> Line {
    match *line.split(' ').collect::<Vec<_>>() {
        ["ready"] => Line::Ready,
        ["done"] => Line::Done,
        ["opened", slot, epoch, token] => Line::Opened(Opened {
            slot: slot.parse().unwrap(),
            epoch: epoch.parse().unwrap(),
            token: token.to_owned(),
        }),
        _ => panic!("{line}"),
    }
}
