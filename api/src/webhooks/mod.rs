//! What providers post. Each is verified before anything of it is read, kept in the inbox in one transaction with the job that
//! handles it, and answered after the commit; a repeat gets the same answer.

mod sms_status; // what became of a text message
mod twilio; // a form that Twilio has signed

pub(crate) use self::sms_status::sms_status;
