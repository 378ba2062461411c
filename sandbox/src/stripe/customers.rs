//! Who pays.

use serde_json::{Value, json};

use super::{
    answer::{Answer, Refused},
    form::Form,
    memory::{Customer, Memory},
    render,
};

pub(super) fn create(memory: &mut Memory, form: &mut Form) -> Result<Value, Refused> {
    let payment_method = form.take("payment_method");
    let default = form.take("invoice_settings[default_payment_method]");
    let customer = Customer {
        id: memory.mint("cus"),
        name: form.take("name"),
        email: form.take("email"),
        payment_method: default.or(payment_method),
        created: memory.now(),
        deleted: false,
        livemode: memory.livemode,
        metadata: form.map("metadata"),
    };
    form.finish()?;
    let written = render::customer(&customer);
    memory.customers.put(customer);
    memory.tell("customer.created", &written);
    Ok(written)
}

pub(super) fn retrieve(memory: &Memory, id: &str) -> Result<Value, Refused> {
    memory.customers.get(id).map(render::customer).ok_or_else(|| Answer::missing("customer"))
}

pub(super) fn update(memory: &mut Memory, id: &str, form: &mut Form) -> Result<Value, Refused> {
    let customer = memory.customers.get_mut(id).filter(|it| !it.deleted);
    let customer = customer.ok_or_else(|| Answer::missing("customer"))?;
    let (name, email) = (form.take("name"), form.take("email"));
    let method = form.take("invoice_settings[default_payment_method]");
    let metadata = form.map("metadata");
    form.finish()?;
    customer.name = name.or(customer.name.take());
    customer.email = email.or(customer.email.take());
    customer.payment_method = method.or(customer.payment_method.take());
    customer.metadata.extend(metadata);
    let written = render::customer(customer);
    memory.tell("customer.updated", &written);
    Ok(written)
}

/// Its subscriptions end with it.
pub(super) fn delete(memory: &mut Memory, id: &str) -> Result<Value, Refused> {
    let customer = memory.customers.get_mut(id).filter(|it| !it.deleted);
    let customer = customer.ok_or_else(|| Answer::missing("customer"))?;
    customer.deleted = true;
    let now = memory.now();
    let mut ended = Vec::new();
    for subscription in memory.subscriptions.iter_mut().filter(|it| it.customer == id) {
        if subscription.end(now) {
            ended.push(render::subscription(subscription, memory.shape.unwrap_or_default()));
        }
    }
    for written in ended {
        memory.tell("customer.subscription.deleted", &written);
    }
    let stump = json!({ "id": id, "object": "customer", "deleted": true });
    memory.tell("customer.deleted", &stump);
    Ok(stump)
}
