%% Answers the requests of clients/counts.py in lines. Two thousand processes wait for timers and replace objects.
-module(things).
-export([start/0]).

-define(SIZE, 20000).

start() ->
    Self = self(),
    spawn(fun() -> main(Self) end),
    receive ready -> ok end.

main(Starter) ->
    [ets:new(Name, [named_table, public, set]) || Name <- [things, sums]],
    [put_thing(Key, 0) || Key <- lists:seq(1, ?SIZE)],
    [spawn_link(fun() -> replace(First) end) || First <- lists:seq(1, ?SIZE, 10)],
    spawn_link(fun tick/0),
    Options = [binary, {packet, line}, {active, false}, {reuseaddr, true}, {nodelay, true}],
    {ok, Listener} = gen_tcp:listen(8080, Options),
    Starter ! ready,
    accept(Listener).

accept(Listener) ->
    {ok, Socket} = gen_tcp:accept(Listener),
    gen_tcp:controlling_process(Socket, spawn(fun() -> serve(Socket) end)),
    accept(Listener).

serve(Socket) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, Line} ->
            ok = gen_tcp:send(Socket, [answer(string:lexemes(Line, " \n")), "\n"]),
            serve(Socket);
        {error, closed} ->
            ok
    end.

answer([<<"add">>, Worker]) -> integer_to_list(ets:update_counter(sums, Worker, 1, {Worker, 0}));
answer([<<"sum">>, Worker]) -> integer_to_list(ets:lookup_element(sums, Worker, 2));
answer([<<"ticks">>]) -> integer_to_list(ets:update_counter(sums, ticks, 0, {ticks, 0}));
answer([<<"check">>]) ->
    Add = fun({Key, Version, Text}, Found) ->
        case text_of(Key, Version) of
            Text -> Found + 1;
            _ -> Found
        end
    end,
    case ets:foldl(Add, 0, things) of
        ?SIZE -> io_lib:format("whole ~b", [?SIZE]);
        Found -> io_lib:format("~b are whole", [Found])
    end.

text_of(Key, Version) -> binary:copy(iolist_to_binary(io_lib:format("~b:~b:", [Key, Version])), 20).

put_thing(Key, Version) -> ets:insert(things, {Key, Version, text_of(Key, Version)}).

replace(First) ->
    receive after 1000 + First rem 1000 -> ok end,
    [put_thing(Key, ets:lookup_element(things, Key, 2) + 1) || Key <- lists:seq(First, First + 9)],
    replace(First).

tick() ->
    erlang:send_after(100, self(), tick),
    receive tick -> ets:update_counter(sums, ticks, 1, {ticks, 0}) end,
    tick().
