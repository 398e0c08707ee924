-- Primes up to the number given.
local limit = tonumber(arg[1]) or 100
local composite = {}
for number = 2, limit do
  if not composite[number] then
    print(number)
    for multiple = number * number, limit, number do
      composite[multiple] = true
    end
  end
end
