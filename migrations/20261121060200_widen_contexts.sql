-- What a workflow's body can do beside steps: branches and races, recorded values, pivots, patches, fan-outs, live progress,
-- deadlines of runs. See docs/decisions/0008. Expand only: older code neither reads nor writes any of it, and ignores keys
-- that it does not know.

-- How a group of branches ended, values that must be the same after a crash, and marks in a run.
alter table trunkline.checkpoints
    drop constraint checkpoints_form_check,
    add constraint checkpoints_form_check check (form in ('step', 'transaction', 'wait', 'sleep', 'deadline', 'hold',
        'join', 'race', 'branch', 'fan_out', 'record', 'pivot', 'patch')) not valid;
alter table trunkline.checkpoints validate constraint checkpoints_form_check;
