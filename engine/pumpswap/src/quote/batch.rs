//! A whole file of requests, in constant memory: all cores answer the lines of one read, and the answers are written in
//! order.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::ops::Range;

use rayon::prelude::*;

use super::answer::{Answer, Malformed, answer_line};
use super::request::RequestError;

/// Bytes of the longest line that is read; a request with two full fee tables has four thousand.
pub const LONGEST_LINE: usize = 1 << 20;
/// Bytes asked for at once, and about the size of a chunk.
const CHUNK: usize = 1 << 20;
/// Lines that one core answers before it looks for more work: long enough not to be noticed, about 0.3 ms.
const LINES_PER_TASK: usize = 128;

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchSummary {
    /// Lines with something on them, each answered.
    pub answered: u64,
    /// How many of them are no request.
    pub malformed: u64,
}

/// Lines of a part of a file.
#[derive(Debug, Default)]
struct Chunk {
    bytes: Vec<u8>,
    lines: Vec<Line>,
}

/// One line of a chunk.
#[derive(Debug)]
struct Line {
    number: u64,
    /// Where its bytes are; `None` where there were too many to keep.
    bytes: Option<Range<usize>>,
}

/// Answers every line of `input` on `output`, one line each, in the order of the input. Empty lines are passed over. A
/// line that is no request is answered as such, and given to `on_malformed`.
///
/// What one read brings is answered before the next, so that a pipe is answered as it is fed.
///
/// # Errors
/// Where `input` cannot be read or `output` cannot be written.
pub fn answer_batch(
    input: impl Read,
    mut output: impl Write,
    mut on_malformed: impl FnMut(&Malformed),
) -> io::Result<BatchSummary> {
    let mut reader = BufReader::with_capacity(CHUNK, input);
    let mut summary = BatchSummary::default();
    let mut chunk = Chunk::default();
    let mut number = 0;
    while read_chunk(&mut reader, &mut number, &mut chunk)? {
        let bytes = &chunk.bytes;
        let parts: Vec<_> = chunk.lines.par_chunks(LINES_PER_TASK).map(|lines| answer_lines(bytes, lines)).collect();
        for part in parts {
            let (answers, malformed) = part?;
            output.write_all(&answers)?;
            summary.malformed += malformed.len() as u64;
            malformed.iter().for_each(&mut on_malformed);
        }
        summary.answered += chunk.lines.len() as u64;
        output.flush()?;
    }
    Ok(summary)
}

/// Answers some lines of a chunk: the bytes to write, and which were no requests.
fn answer_lines(bytes: &[u8], lines: &[Line]) -> io::Result<(Vec<u8>, Vec<Malformed>)> {
    let mut answers = Vec::with_capacity(lines.len() * 384);
    let mut all_malformed = Vec::new();
    for line in lines {
        let answer = match &line.bytes {
            Some(range) => answer_line(&bytes[range.clone()], line.number),
            None => Answer::Malformed(Malformed::new(line.number, &RequestError::TooLong(LONGEST_LINE))),
        };
        serde_json::to_writer(&mut answers, &answer)?;
        answers.push(b'\n');
        if let Answer::Malformed(malformed) = answer {
            all_malformed.push(malformed);
        }
    }
    Ok((answers, all_malformed))
}

/// Fills `chunk` with the lines that are at hand; `false` at the end of the file.
fn read_chunk(reader: &mut BufReader<impl Read>, number: &mut u64, chunk: &mut Chunk) -> io::Result<bool> {
    chunk.bytes.clear();
    chunk.lines.clear();
    loop {
        let start = chunk.bytes.len();
        let limit = LONGEST_LINE as u64 + 1;
        let read = reader.by_ref().take(limit).read_until(b'\n', &mut chunk.bytes)?;
        if read == 0 {
            return Ok(!chunk.lines.is_empty());
        }
        *number += 1;
        let complete = chunk.bytes.ends_with(b"\n");
        if read > LONGEST_LINE && !complete {
            chunk.bytes.truncate(start);
            skip_line(reader)?;
            chunk.lines.push(Line { number: *number, bytes: None });
        } else {
            let skipped = if *number == 1 { byte_order_mark(&chunk.bytes[start..]) } else { 0 };
            let line = start + skipped..chunk.bytes.len();
            if !chunk.bytes[line.clone()].trim_ascii().is_empty() {
                chunk.lines.push(Line { number: *number, bytes: Some(line) });
            }
        }
        // Nothing at hand and something to answer: whoever is at the other end of a pipe may be waiting for it.
        let waiting = reader.buffer().is_empty() && !chunk.lines.is_empty();
        if waiting || chunk.bytes.len() >= CHUNK {
            return Ok(true);
        }
    }
}

/// Length of the byte order mark that some editors put before the first line.
fn byte_order_mark(line: &[u8]) -> usize {
    if line.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 }
}

/// Reads to the end of the line without keeping it.
fn skip_line(reader: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(buffer.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(amount: usize) -> String {
        format!(
            r#"{{"op":"buy","amount":"{amount}","base_reserve":"1000000","quote_vault":"1000000","canonical":false}}"#
        )
    }

    fn run(input: impl Read) -> (Vec<serde_json::Value>, BatchSummary, Vec<u64>) {
        let (mut output, mut lines) = (Vec::new(), Vec::new());
        let summary = answer_batch(input, &mut output, |malformed| lines.push(malformed.line)).unwrap();
        let answers = output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        (answers.map(|line| serde_json::from_slice(line).unwrap()).collect(), summary, lines)
    }

    #[test]
    fn answers_come_in_the_order_of_the_requests_over_many_chunks() {
        let lines: Vec<String> = (1..=20_000).map(request).collect();
        let (answers, summary, _) = run(lines.join("\n").as_bytes());
        assert_eq!(summary, BatchSummary { answered: 20_000, malformed: 0 });
        for (i, answer) in answers.iter().enumerate() {
            assert_eq!(answer["base"], (i + 1).to_string());
        }
    }

    #[test]
    fn a_malformed_line_is_named_and_the_others_are_answered() {
        let text = format!("\u{feff}{}\r\n\nnonsense\r\n{}", request(1), request(2));
        let (answers, summary, lines) = run(text.as_bytes());
        assert_eq!((summary, lines), (BatchSummary { answered: 3, malformed: 1 }, vec![3]));
        assert_eq!((&answers[0]["base"], &answers[2]["base"]), (&"1".into(), &"2".into()));
        assert_eq!((&answers[1]["error"], &answers[1]["line"]), (&serde_json::Value::Null, &3.into()));
    }

    #[test]
    fn an_endless_line_is_refused_without_being_kept() {
        let endless = io::repeat(b'x').take(3 * LONGEST_LINE as u64);
        let rest = format!("\n{}\n", request(1));
        let (answers, summary, lines) = run(endless.chain(rest.as_bytes()));
        assert_eq!((summary, lines), (BatchSummary { answered: 2, malformed: 1 }, vec![1]));
        assert!(answers[0]["message"].as_str().unwrap().contains("longer than 1048576 bytes"));
        assert_eq!(answers[1]["base"], "1");
    }

    #[test]
    fn bytes_that_are_no_text_are_a_malformed_line() {
        assert_eq!(run(&b"\xff\xfe\x00\n"[..]).1, BatchSummary { answered: 1, malformed: 1 });
        assert_eq!(run(&b""[..]).1, BatchSummary::default());
    }
}
