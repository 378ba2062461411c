-- The settings of every session on this database, a pooler's too. No table changes; old code survives it. Undone by
-- `alter database … reset jit`.

do $$
begin
    -- Statements here touch a few hundred rows. Where the planner has no statistics it believes in more, and compiles a
    -- plan for half a second that runs for 30 ms.
    execute format('alter database %I set jit = off', current_database());
exception when insufficient_privilege then
    raise warning 'jit stays on: only the owner of the database may set it. Have it run: alter database % set jit = off', current_database();
end
$$;
