use serde::Serialize;

/// The JSON that hashes are taken of: fields in the order of their declaration, numbers in their shortest form.
pub(crate) fn canonical(value: &impl Serialize) -> Vec<u8> {
    match serde_json::to_vec(value) {
        Ok(json) => json,
        // A hash of nothing would make all runs one.
        Err(error) => unreachable!("plain fields always have a JSON form: {error}"),
    }
}
