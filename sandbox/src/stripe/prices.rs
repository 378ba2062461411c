//! Products and prices.

use serde_json::Value;

use super::{
    answer::{Answer, Refused},
    form::Form,
    memory::{Memory, Price, Product},
    render,
};

pub(super) fn create_product(memory: &mut Memory, form: &mut Form) -> Result<Value, Refused> {
    let id = form.take("id").unwrap_or_else(|| memory.mint("prod"));
    let product = Product { id, name: form.required("name")?, created: memory.now() };
    form.finish()?;
    let written = render::product(&product);
    memory.products.put(product);
    Ok(written)
}

pub(super) fn create(memory: &mut Memory, form: &mut Form) -> Result<Value, Refused> {
    let price = Price {
        id: memory.mint("price"),
        product: form.required("product")?,
        unit_amount_cents: form.integer("unit_amount")?.unwrap_or(0),
        currency: form.required("currency")?,
        created: memory.now(),
    };
    form.take("recurring[interval]");
    form.finish()?;
    let written = render::price(&price);
    memory.prices.put(price);
    Ok(written)
}

pub(super) fn retrieve(memory: &Memory, id: &str) -> Result<Value, Refused> {
    memory.prices.get(id).map(render::price).ok_or_else(|| Answer::missing("price"))
}
