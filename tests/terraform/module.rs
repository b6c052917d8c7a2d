//! A Terraform module as data: its blocks, and every reference of its expressions.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use hcl::Block;
use hcl::Body;
use hcl::Expression;
use hcl::expr::ObjectKey;
use hcl::expr::Operation;
use hcl::expr::TraversalOperator;
use hcl::structure::Structure;
use hcl::template::Directive;
use hcl::template::Element;
use hcl::template::Template;

/// A file or folder of this repository.
pub(crate) fn repository(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A module: the blocks of all its files, with the file's name.
pub(crate) struct Module {
    pub(crate) blocks: Vec<(String, Block)>,
}

impl Module {
    /// Reads a folder.
    pub(crate) fn read(folder: &Path) -> Self {
        Self::changed(folder, &|text| text)
    }

    /// Reads a folder, and changes the text of each file before it counts.
    pub(crate) fn changed(folder: &Path, change: &dyn Fn(String) -> String) -> Self {
        let mut files: Vec<PathBuf> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.retain(|path| path.extension().is_some_and(|ending| ending == "tf"));
        files.sort();
        assert!(!files.is_empty(), "{}", folder.display());
        let mut blocks = Vec::new();
        for file in files {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            let body: Body = hcl::parse(&change(fs::read_to_string(&file).unwrap()))
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            for structure in body {
                match structure {
                    Structure::Block(block) => blocks.push((name.clone(), block)),
                    Structure::Attribute(attribute) => panic!("{name}: stray {}", attribute.key()),
                }
            }
        }
        Self { blocks }
    }

    /// The blocks of one kind, such as `variable`, by their last label.
    pub(crate) fn named(&self, kind: &str) -> BTreeMap<String, &Block> {
        let of_kind = self.blocks.iter().filter(|(_, block)| block.identifier() == kind);
        of_kind
            .filter_map(|(_, block)| Some((block.labels().last()?.as_str().to_owned(), block)))
            .collect()
    }

    /// The resources of one type.
    pub(crate) fn resources(&self, kind: &str) -> Vec<&Block> {
        let wanted = |block: &&Block| block.identifier() == "resource" && block.labels()[0].as_str() == kind;
        self.blocks.iter().map(|(_, block)| block).filter(wanted).collect()
    }
}

/// A block's name for messages: `resource aws_vpc own`.
pub(crate) fn title(block: &Block) -> String {
    let labels: Vec<&str> = block.labels().iter().map(|label| label.as_str()).collect();
    format!("{} {}", block.identifier(), labels.join(" ")).trim().to_owned()
}

/// The value of an attribute of a block.
pub(crate) fn attribute<'b>(block: &'b Block, key: &str) -> Option<&'b Expression> {
    block
        .body()
        .attributes()
        .find(|attribute| attribute.key() == key)
        .map(|attribute| attribute.expr())
}

/// The blocks of one name inside a block.
pub(crate) fn blocks<'b>(block: &'b Block, name: &str) -> Vec<&'b Block> {
    block
        .body()
        .blocks()
        .filter(|inner| inner.identifier() == name)
        .collect()
}

/// Every expression of a body, those of its blocks included.
pub(crate) fn expressions<'b>(body: &'b Body, found: &mut Vec<&'b Expression>) {
    found.extend(body.attributes().map(|attribute| attribute.expr()));
    for block in body.blocks() {
        expressions(block.body(), found);
    }
}

/// Every dotted path that an expression names, such as `["aws_vpc", "own", "id"]`; indices are left out. A splat ends it.
pub(crate) fn references(expression: &Expression, found: &mut Vec<Vec<String>>) {
    match expression {
        Expression::Array(items) => items.iter().for_each(|item| references(item, found)),
        Expression::Object(object) => {
            for (key, value) in object.iter() {
                if let ObjectKey::Expression(key) = key {
                    references(key, found);
                }
                references(value, found);
            }
        }
        Expression::TemplateExpr(text) => template(&Template::from_expr(text).unwrap(), found),
        Expression::Variable(name) => found.push(vec![name.as_str().to_owned()]),
        Expression::Traversal(traversal) => path(traversal, found),
        Expression::FuncCall(call) => call.args.iter().for_each(|argument| references(argument, found)),
        Expression::Parenthesis(inner) => references(inner, found),
        Expression::Conditional(conditional) => {
            for part in [&conditional.cond_expr, &conditional.true_expr, &conditional.false_expr] {
                references(part, found);
            }
        }
        Expression::Operation(operation) => match operation.as_ref() {
            Operation::Unary(unary) => references(&unary.expr, found),
            Operation::Binary(binary) => {
                references(&binary.lhs_expr, found);
                references(&binary.rhs_expr, found);
            }
        },
        Expression::ForExpr(each) => {
            let optional = [each.key_expr.as_ref(), each.cond_expr.as_ref()].into_iter().flatten();
            for part in [&each.collection_expr, &each.value_expr].into_iter().chain(optional) {
                references(part, found);
            }
        }
        _ => {}
    }
}

fn path(traversal: &hcl::expr::Traversal, found: &mut Vec<Vec<String>>) {
    let Expression::Variable(root) = &traversal.expr else {
        return references(&traversal.expr, found);
    };
    let mut names = vec![root.as_str().to_owned()];
    let mut open = true;
    for operator in &traversal.operators {
        match operator {
            TraversalOperator::GetAttr(name) if open => names.push(name.as_str().to_owned()),
            TraversalOperator::Index(index) => references(index, found),
            TraversalOperator::AttrSplat | TraversalOperator::FullSplat => open = false,
            _ => {}
        }
    }
    found.push(names);
}

fn template(template: &Template, found: &mut Vec<Vec<String>>) {
    for element in template.elements() {
        match element {
            Element::Literal(_) => {}
            Element::Interpolation(interpolation) => references(&interpolation.expr, found),
            Element::Directive(directive) => match directive.as_ref() {
                Directive::If(_) | Directive::For(_) => panic!("no module of ours has directives in its templates"),
            },
        }
    }
}
