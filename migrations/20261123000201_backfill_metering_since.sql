-- A plan that was changed before metering knew since when: what was used under the plan before is not told any more.
--
-- Serves: metering. The version before survives it: it does not know the column. Undone by setting it to null.

select set_config('trunkline.scope', 'platform', true);

update product.subscriptions s set metered_from = changed.at
from (select subscription_id, max(at) as at from product.billing_events
      where subscription_id is not null and before is not null and after is not null
        and before ->> 'price' is distinct from after ->> 'price'
      group by subscription_id) as changed
where s.subscription_id = changed.subscription_id and s.metered_from is null;
