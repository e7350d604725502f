//! What a run wrote, read back row by row.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::Value;

use super::files_below;

/// An output directory.
pub(crate) struct Output {
    pub(crate) path: PathBuf,
}

/// One side, all parts in the order of their names.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Frame {
    /// One line of schema language per column, in order.
    pub(crate) schema: Vec<String>,
    pub(crate) names: Vec<String>,
    pub(crate) columns: Vec<Vec<Field>>,
    pub(crate) rows: usize,
}

impl Output {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn train(&self) -> Frame {
        Frame::read(&self.path.join("train"))
    }

    pub(crate) fn test(&self) -> Frame {
        Frame::read(&self.path.join("test"))
    }

    /// One side that is there.
    pub(crate) fn side(&self, name: &str) -> Frame {
        Frame::read(&self.path.join(name))
    }

    /// The sides that are there, sorted by name.
    pub(crate) fn sides(&self) -> Vec<String> {
        let is_there = |name: &&str| self.path.join(name).is_dir();
        let sides = ["test", "train", "val"].into_iter().filter(is_there);
        sides.map(str::to_owned).collect()
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        let text = self.text(name);
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}\n{text}"))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// One array of `scaler.json`, null as NaN.
    pub(crate) fn scaler(&self, key: &str) -> Vec<f64> {
        let json = self.json("scaler.json");
        let array = json[key].as_array();
        let array = array.unwrap_or_else(|| panic!("no array {key} in {json:#}"));
        array
            .iter()
            .map(|v| v.as_f64().unwrap_or(f64::NAN))
            .collect()
    }

    pub(crate) fn features(&self) -> Vec<String> {
        let json = self.json("scaler.json");
        let names = json["feature_names_in_"]
            .as_array()
            .expect("feature_names_in_");
        names
            .iter()
            .map(|n| n.as_str().expect("a name").to_owned())
            .collect()
    }

    /// One number of `scaler.json` for one feature; null is NaN.
    pub(crate) fn fitted(&self, key: &str, feature: &str) -> f64 {
        let index = self.features().iter().position(|name| name == feature);
        let index = index.unwrap_or_else(|| panic!("no feature {feature}"));
        if key.ends_with('_') {
            return self.scaler(key)[index];
        }
        let json = self.json("scaler.json");
        let column = &json["columns"][index];
        [&column[key], &column["moments"][key]]
            .iter()
            .find_map(|value| value.as_f64())
            .unwrap_or(f64::NAN)
    }
}

impl Frame {
    pub(crate) fn read(folder: &Path) -> Self {
        let parts = files_below(folder);
        assert!(!parts.is_empty(), "no part in {}", folder.display());
        let mut frame = Self::default();
        for part in parts {
            frame.append(&part);
        }
        frame
    }

    fn append(&mut self, part: &Path) {
        let file = File::open(part).expect("open a part");
        let reader = SerializedFileReader::new(file).expect("a Parquet file");
        let schema = reader
            .metadata()
            .file_metadata()
            .schema_descr()
            .root_schema()
            .clone();
        let lines: Vec<String> = schema
            .get_fields()
            .iter()
            .map(|field| {
                let mut text = Vec::new();
                parquet::schema::printer::print_schema(&mut text, field);
                String::from_utf8(text).expect("UTF-8").trim().to_owned()
            })
            .collect();
        if self.names.is_empty() {
            self.names = schema
                .get_fields()
                .iter()
                .map(|f| f.name().to_owned())
                .collect();
            self.columns = vec![Vec::new(); self.names.len()];
            self.schema = lines;
        } else {
            assert_eq!(self.schema, lines, "parts differ in their schema");
        }
        for row in reader.get_row_iter(None).expect("rows") {
            let row = row.expect("a row");
            for (column, (_, value)) in self.columns.iter_mut().zip(row.get_column_iter()) {
                column.push(value.clone());
            }
            self.rows += 1;
        }
    }

    pub(crate) fn column(&self, name: &str) -> &[Field] {
        let index = self.names.iter().position(|n| n == name);
        &self.columns[index.unwrap_or_else(|| panic!("no column {name} in {:?}", self.names))]
    }

    /// Floats of a column; `None` is null.
    pub(crate) fn floats(&self, name: &str) -> Vec<Option<f64>> {
        self.column(name)
            .iter()
            .map(|value| match value {
                Field::Null => None,
                Field::Double(v) => Some(*v),
                Field::Float(v) => Some(f64::from(*v)),
                other => panic!("{name} holds {other:?}"),
            })
            .collect()
    }

    pub(crate) fn longs(&self, name: &str) -> Vec<i64> {
        self.column(name)
            .iter()
            .map(|value| match value {
                Field::Long(v) => *v,
                Field::Int(v) => i64::from(*v),
                other => panic!("{name} holds {other:?}"),
            })
            .collect()
    }

    /// A column as text, `null` for null.
    pub(crate) fn strings(&self, name: &str) -> Vec<String> {
        self.column(name)
            .iter()
            .map(|value| match value {
                Field::Str(v) => v.clone(),
                other => other.to_string(),
            })
            .collect()
    }
}
