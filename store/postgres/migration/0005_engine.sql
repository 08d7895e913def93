-- The engine that has the states, if it is known.
CREATE TABLE states_engine (
  one          bigint PRIMARY KEY CHECK (one = 1),
  installation text COLLATE "C" NOT NULL,   -- the id of this installation
  memory       text COLLATE "C" NOT NULL    -- the id of the engine's memory; '': not known yet
);
